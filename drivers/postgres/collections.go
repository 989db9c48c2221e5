package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

// vectors keeps collections in pgvector: each has a table of its own, with an hnsw
// index for the metric if it has at most maxIndexed dimensions. Scores are computed
// by this program, from the embeddings of the documents that the server finds
// nearest. What the server compares are sums of float32: of documents whose scores
// differ by less than those lose, where the limit cuts either may be left out.
type vectors struct{ view }

// collection is a row of the table of collections. Its key never comes again.
type collection struct {
	driver.Collection
	key, count int64
	names      *strings.Replacer
}

// sql puts names into a statement: the collection's own table in the place of
// "enact.documents", and the extension's schema in that of "pgvector.".
func (c collection) sql(statement string) string { return c.names.Replace(statement) }

// find returns a collection. lock is a clause that locks its row, or empty.
func (s vectors) find(ctx context.Context, q querier, name, lock string) (found collection, err error) {
	found.Name = name
	err = q.QueryRow(ctx, s.sql("SELECT key, dimension, metric, count FROM enact.collections WHERE tenant = $1 AND name = $2"+lock), s.tenant, name).
		Scan(&found.key, &found.Dimension, &found.Metric, &found.count)
	if noRow(err) {
		return found, driver.NotFoundf("collection %q", name)
	}
	found.names = s.namesOf(found.key)
	return found, err
}

func (s vectors) namesOf(key int64) *strings.Replacer {
	return strings.NewReplacer(
		"enact.documents", pgx.Identifier{s.schema, "documents_" + strconv.FormatInt(key, 10)}.Sanitize(),
		"pgvector.", pgx.Identifier{s.vector.schema}.Sanitize()+".")
}

// used locks a collection's row so that it can be written to and not be deleted.
const used = " FOR KEY SHARE"

// readIn runs f with a collection, and again when the collection is deleted, or
// made anew, before f has read all.
func (s vectors) readIn(ctx context.Context, name string, f func(context.Context, connection, collection) error) error {
	return s.read(ctx, func(ctx context.Context, q connection) error {
		for last := int64(0); ; {
			found, err := s.find(ctx, q, name, "")
			if err != nil {
				return err
			}
			if err = f(ctx, q, found); codeOf(err) != undefinedTable || found.key == last {
				return err
			}
			last = found.key
		}
	})
}

// maxIndexed is the greatest dimension that an index on a vector can have.
// Collections of more are searched exactly.
const maxIndexed = 2000

// indexed says whether the collection has an approximate index.
func (c collection) indexed() bool { return c.Dimension <= maxIndexed }

// operators of the extension, and the classes of operators for its indexes, by
// metric. All of them are less for what is nearer.
var (
	operators = map[driver.Metric]string{driver.Cosine: "<=>", driver.Dot: "<#>", driver.Euclidean: "<->"}
	classes   = map[driver.Metric]string{driver.Cosine: "vector_cosine_ops", driver.Dot: "vector_ip_ops", driver.Euclidean: "vector_l2_ops"}
)

// documentsTable makes the table of a collection of the given dimension: an index
// on one table can only be for one dimension and one metric, and documents of other
// collections would be in the way of an approximate search. attributes are what
// filters ask for; the index on them finds equal values.
const documentsTable = `
CREATE TABLE enact.documents (
	id         text COLLATE "C" PRIMARY KEY,
	extreme    boolean NOT NULL,
	content    bytea   NOT NULL,
	metadata   bytea   NOT NULL,
	attributes jsonb   NOT NULL,
	embedding  pgvector.vector(%d) NOT NULL
);
CREATE INDEX ON enact.documents USING gin (attributes jsonb_path_ops);
CREATE INDEX ON enact.documents (id) WHERE extreme;
`

const documentsIndex = `
CREATE INDEX ON enact.documents USING hnsw (embedding pgvector.%s) WHERE NOT extreme;
`

func (s vectors) EnsureCollection(ctx context.Context, wanted driver.Collection) error {
	err := s.read(ctx, func(ctx context.Context, q connection) error {
		found, err := s.find(ctx, q, wanted.Name, "")
		if err != nil {
			return err
		}
		return wanted.CheckSame(found.Collection)
	})
	if !isNotFound(err) {
		return err
	}
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		made := collection{Collection: wanted}
		// Whoever makes it at the same moment is waited for, and found after.
		for {
			err := tx.QueryRow(ctx, s.sql(`INSERT INTO enact.collections (tenant, name, dimension, metric, count) VALUES ($1, $2, $3, $4, 0)
				ON CONFLICT (tenant, name) DO NOTHING RETURNING key`), s.tenant, wanted.Name, wanted.Dimension, string(wanted.Metric)).Scan(&made.key)
			if err == nil {
				break
			}
			if !noRow(err) {
				return err
			}
			found, err := s.find(ctx, tx, wanted.Name, "")
			if err == nil {
				return wanted.CheckSame(found.Collection)
			}
			if !isNotFound(err) {
				return err
			}
		}
		made.names = s.namesOf(made.key)
		statements := fmt.Sprintf(documentsTable, wanted.Dimension)
		if made.indexed() {
			statements += fmt.Sprintf(documentsIndex, classes[wanted.Metric])
		}
		_, err := tx.Exec(ctx, made.sql(statements), pgx.QueryExecModeSimpleProtocol)
		return err
	})
}

func (s vectors) DeleteCollection(ctx context.Context, name string) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var key int64
		err := tx.QueryRow(ctx, s.sql("DELETE FROM enact.collections WHERE tenant = $1 AND name = $2 RETURNING key"), s.tenant, name).Scan(&key)
		if noRow(err) {
			return nil
		}
		if err == nil {
			_, err = tx.Exec(ctx, s.namesOf(key).Replace("DROP TABLE IF EXISTS enact.documents"), pgx.QueryExecModeSimpleProtocol)
		}
		return err
	})
}

const infoColumns = "name, dimension, metric, count"

func scanInfo(row pgx.Row) (info driver.CollectionInfo, err error) {
	err = row.Scan(&info.Name, &info.Dimension, &info.Metric, &info.Count)
	return info, err
}

func (s vectors) GetCollection(ctx context.Context, name string) (info driver.CollectionInfo, err error) {
	err = s.read(ctx, func(ctx context.Context, q connection) error {
		info, err = scanInfo(q.QueryRow(ctx, s.sql("SELECT "+infoColumns+" FROM enact.collections WHERE tenant = $1 AND name = $2"), s.tenant, name))
		if noRow(err) {
			return driver.NotFoundf("collection %q", name)
		}
		return err
	})
	if err != nil {
		return driver.CollectionInfo{}, err
	}
	return info, nil
}

func (s vectors) ListCollections(ctx context.Context, page driver.Page) ([]driver.CollectionInfo, driver.Cursor, error) {
	return list(ctx, s.view, driver.Scope("collections", s.tenant), page, 1,
		func(after []string) (string, []any, error) {
			return "SELECT " + infoColumns + " FROM enact.collections WHERE tenant = $1 AND name > $2 ORDER BY name", []any{s.tenant, after[0]}, nil
		},
		func(row pgx.CollectableRow) (driver.CollectionInfo, []string, error) {
			info, err := scanInfo(row)
			return info, []string{info.Name}, err
		})
}
