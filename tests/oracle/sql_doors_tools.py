"""Statements of tools that do not run here, in the form in which they send them.

Promise: `NAVIGATORS` are like those that DBeaver, pgAdmin, Grafana, Metabase and JDBC send about the catalogue;
`{relation}` is the number of a table. `QUERIES` are like those that people write in them.
"""

from __future__ import annotations

NAVIGATORS = [
    """SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datname='lake'""",
    """SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d ON
d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass ORDER BY nspname""",
    """SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr,
pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM pg_catalog.pg_class c LEFT OUTER JOIN
pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass WHERE
c.relnamespace=16386 AND c.relkind not in ('i','I','c')""",
    """SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as
def_value,dsc.description,dep.objid FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON
(a.attrelid=c.oid) LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum =
ad.adnum) LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)
LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid =
a.attnum and dep.classid = dep.refclassid WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND
c.oid={relation} ORDER BY a.attnum""",
    """SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name,
d.description FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem LEFT OUTER
JOIN pg_catalog.pg_class c ON c.oid=t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid
WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR
et.typcategory <> 'C')""",
    """SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description FROM
pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid LEFT OUTER JOIN
pg_catalog.pg_class rt ON rt.oid=c.confrelid LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid
AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass WHERE c.conrelid={relation} ORDER BY c.oid""",
    """SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as
tabrelname,dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as
pred_expr,pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as
expr,pg_catalog.pg_relation_size(i.indexrelid) as
index_rel_size,pg_catalog.pg_stat_get_numscans(i.indexrelid) as index_num_scans FROM pg_catalog.pg_index i
INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid INNER JOIN pg_catalog.pg_class tc ON
tc.oid=i.indrelid LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid WHERE
i.indrelid={relation} ORDER BY tabrelname, c.relname""",
    """select c.oid,pg_catalog.pg_total_relation_size(c.oid) as total_rel_size,pg_catalog.pg_relation_size(c.oid)
as rel_size FROM pg_class c WHERE c.relnamespace=16386""",
    """SELECT current_schema(),session_user""",
    """SELECT current_schema, current_user, current_database(), current_catalog, user""",
    """select * from pg_catalog.pg_settings where name='standard_conforming_strings'""",
    """SELECT typcategory FROM pg_catalog.pg_type WHERE 1<>1 LIMIT 1""",
    """SELECT a.oid,a.*,pd.description FROM pg_catalog.pg_roles a left join pg_catalog.pg_shdescription pd on a.oid
= pd.objoid ORDER BY a.rolname""",
    """SELECT DISTINCT dep.deptype, dep.classid, dep.objid FROM pg_depend dep WHERE dep.refobjid={relation}""",
    """SELECT current_setting('server_version_num')::int/100 as version""",
    """SELECT quote_ident(table_name) AS "table" FROM information_schema.tables WHERE quote_ident(table_schema) NOT
IN ('information_schema', 'pg_catalog', '_timescaledb_cache') AND table_type = 'BASE TABLE' ORDER BY 1""",
    """SELECT CASE WHEN quote_ident(table_schema) IN ( SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE
trim(s[i]) END FROM generate_series( array_lower(string_to_array(current_setting('search_path'),','),1),
array_upper(string_to_array(current_setting('search_path'),','),1) ) as i,
string_to_array(current_setting('search_path'),',') s ) THEN quote_ident(table_name) ELSE
quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table" FROM information_schema.tables
WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog') ORDER BY CASE WHEN
quote_ident(table_schema) = 'x' THEN 0 ELSE 1 END, 1""",
    """SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns WHERE
table_schema || '.' || table_name = 'gold.oee_hourly' ORDER BY column_name""",
    """SELECT nspname AS "TABLE_SCHEM", current_database() AS "TABLE_CATALOG" FROM pg_catalog.pg_namespace WHERE
nspname <> 'pg_toast' AND (nspname !~ '^pg_temp_' OR nspname = (pg_catalog.current_schemas(true))[1]) AND
(nspname !~ '^pg_toast_temp_' OR nspname = replace((pg_catalog.current_schemas(true))[1], 'pg_temp_',
'pg_toast_temp_')) ORDER BY "TABLE_SCHEM" """,
    """select c.relname, c.reltuples::bigint AS rows, pg_catalog.obj_description(c.oid) from pg_class c join
pg_namespace n on n.oid=c.relnamespace where n.nspname='gold' and has_table_privilege(c.oid,'SELECT')""",
    """SELECT NULL AS role, t.schemaname AS schema, t.objectname AS table,
pg_catalog.has_any_column_privilege(current_user, '"' || t.schemaname || '"' || '.' || '"' || t.objectname
|| '"', 'update') AS update, pg_catalog.has_table_privilege(current_user, t.schemaname || '.' ||
t.objectname, 'SELECT') AS "select" FROM (SELECT schemaname, tablename AS objectname FROM
pg_catalog.pg_tables UNION SELECT schemaname, viewname AS objectname FROM pg_views UNION SELECT schemaname,
matviewname AS objectname FROM pg_matviews) t WHERE t.schemaname !~ '^pg_' AND t.schemaname <>
'information_schema' AND pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage')""",
    """SELECT rolname, rolcanlogin FROM pg_roles WHERE oid = (SELECT datdba FROM pg_database WHERE datname =
current_database())""",
    """SELECT usesysid, usename, usesuper FROM pg_user WHERE usename = current_user""",
    """SELECT count(*), sum(calendar_s), count(*) FROM gold.oee_hourly""",
]

QUERIES = [
    """SELECT unit FROM gold.oee_hourly UNION ALL SELECT unit || 'x' FROM gold.oee_hourly ORDER BY 1""",
    """SELECT DISTINCT upper(unit), unit FROM gold.oee_hourly ORDER BY upper(unit)""",
    """EXPLAIN SELECT * FROM gold.oee_hourly""",
    """SHOW TABLES""",
    """VALUES (1, 'a'), (2, 'b')""",
    """SELECT * FROM (VALUES (1, 2)) AS t(a, b)""",
    """SELECT interval '1 day', date '2020-01-01', timestamp '2020-01-01 00:00:00', 1.5::numeric(10,2), 'x'::bytea""",
    """SELECT unit, sum(calendar_s), sum(calendar_s) FROM gold.oee_hourly GROUP BY unit ORDER BY sum(calendar_s) DESC LIMIT 3""",
    """SELECT date_trunc('month', production_day), count(*) FROM gold.oee_hourly GROUP BY date_trunc('month', production_day)
ORDER BY date_trunc('month', production_day)""",
    """SELECT unit, row_number() OVER (PARTITION BY unit ORDER BY hour_local), lag(calendar_s) OVER (ORDER BY hour_local)
FROM gold.oee_hourly ORDER BY row_number() OVER (PARTITION BY unit ORDER BY hour_local)""",
    """WITH a AS (SELECT unit, count(*) AS n FROM gold.oee_hourly GROUP BY unit)
SELECT a.unit, (SELECT max(calendar_s) FROM gold.oee_hourly h WHERE h.unit = a.unit) FROM a""",
    """SELECT extract(epoch FROM production_day), production_day::date, now(), current_date FROM gold.oee_hourly""",
    """SELECT 'a' || unit, -calendar_s, NOT true, calendar_s IS NULL, calendar_s BETWEEN 1 AND 2, calendar_s IN (1, 2),
CASE unit WHEN 'x' THEN 1 ELSE 2 END FROM gold.oee_hourly""",
]
