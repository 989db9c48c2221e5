package drivertest

import "github.com/enactdev/enact/driver"

var vectorChecks = []check{
	{rule: "V1", name: "any-name", why: "an application's collection would get lost, or be mixed up with another one, because of its name", role: driver.RoleVectors, run: collectionNames},
	{rule: "V1", name: "fixed", why: "two programs that disagree on the embedding model would spoil one collection, or the one that asks first would lose its documents", role: driver.RoleVectors, run: fixedCollections},
	{rule: "V1", name: "dimensions", why: "an embedding model with few or many dimensions could not be used", role: driver.RoleVectors, run: dimensions},
	{rule: "V1", name: "unknown", why: "a mistyped name would look like an empty collection", role: driver.RoleVectors, run: unknownCollections},
	{rule: "V1", name: "made-again", why: "a collection that is rebuilt with another model would answer with the old one's documents", role: driver.RoleVectors, run: collectionsMadeAgain},
	{rule: "V1", name: "count", why: "who asks how much was indexed would be told something else", role: driver.RoleVectors, run: counts},
	{rule: "V1", name: "one-outcome", why: "two programs that start at once would both believe that the collection is as they asked", role: driver.RoleVectors, run: oneOutcome},
	{rule: "V1", name: "ensured-while-used", why: "a program that starts while another one works would wipe that one's documents", role: driver.RoleVectors, run: ensuredWhileUsed},
	{rule: "V1", name: "made-again-while-used", why: "embeddings of the old model would be in the new collection, where no search can compare them", role: driver.RoleVectors, run: madeAgainWhileUsed},
	{rule: "V2", name: "replaced-whole", why: "what a document once said would be found in the one that replaced it", role: driver.RoleVectors, run: replacedWhole},
	{rule: "V2", name: "refused-batch", why: "one bad embedding would leave half a batch behind, or a document that spoils every search, and nobody would know which", role: driver.RoleVectors, run: refusedBatches},
	{rule: "V2", name: "refused-query", why: "a query from another model would get an answer that means nothing", role: driver.RoleVectors, run: refusedQueries},
	{rule: "V2", name: "nothing-to-do", why: "a program that has nothing to import today would fail, or empty its collection", role: driver.RoleVectors, run: nothingToDo},
	{rule: "V2", name: "largest-batch", why: "who imports documents in batches of the allowed size would lose some or be refused", role: driver.RoleVectors, run: largestBatch},
	{rule: "V2", name: "durable", why: "an agent would have forgotten after a restart what it was told that it remembers", role: driver.RoleVectors, needs: needsRestart, run: durableVectors},
	{rule: "V2", name: "contested-document", why: "a document would be mixed of two writes, or be there for Get and not for Search", role: driver.RoleVectors, run: contestedDocument},
	{rule: "V2", name: "batch-is-one", why: "a search would see a file of which one half is of today and the other of yesterday", role: driver.RoleVectors, needs: needsOneMoment, run: batchIsOne},
	{rule: "V2", name: "cancelled-batch", why: "a caller that gave up would leave half a batch behind", role: driver.RoleVectors, run: cancelledUpsert},
	{rule: "V7", name: "faithful", why: "what an agent remembers would be changed behind its back", role: driver.RoleVectors, run: faithfulDocuments},
	{rule: "V7", name: "deleted", why: "what a person wants forgotten would still be found, or another document would go with it", role: driver.RoleVectors, run: deletedDocuments},
	{rule: "V5", name: "enough", why: "an agent that searches its own few notes among many of others would find none", role: driver.RoleVectors, run: enough},
	{rule: "V6", name: "minimum-score", why: "what is below the caller's standard would come back, or what just meets it would not", role: driver.RoleVectors, run: minimumScores},
	{rule: "V6", name: "limit", why: "a caller would get more than it has room for, or less than there is", role: driver.RoleVectors, run: limits},
	{rule: "V6", name: "fields", why: "a caller would miss what it asked for, or pay for what it did not", role: driver.RoleVectors, run: onlyFieldsAskedFor},
	{rule: "V8", name: "seen-in-time", why: "an agent would not find what it has just written, or find what it has just deleted", role: driver.RoleVectors, run: seenInTime},
	{rule: "V8", name: "far-behind", why: "a program that was idle for a while would go on with what it knew", role: driver.RoleVectors, run: farBehind},
	{rule: "V8", name: "never-half-a-document", why: "a text would be found by the embedding of another one", role: driver.RoleVectors, run: neverHalfADocument},
}
