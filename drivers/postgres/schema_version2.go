package postgres

// version2 adds the list of collections. Each collection has a table of its own
// for its documents, which is made and dropped with it.
const version2 = `
CREATE TABLE enact.collections (
	key       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant    text COLLATE "C" NOT NULL,
	name      text COLLATE "C" NOT NULL,
	dimension int    NOT NULL,
	metric    text COLLATE "C" NOT NULL,
	count     bigint NOT NULL,
	UNIQUE (tenant, name)
);
`
