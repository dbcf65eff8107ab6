"""The words of ADQL: those with a meaning in its grammar, and those that only may not be names."""

from sqlglot.tokens import TokenType


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


KEYWORDS = {
    "ALL": TokenType.ALL,
    "AND": TokenType.AND,
    "AS": TokenType.ALIAS,
    "ASC": TokenType.ASC,
    "BETWEEN": TokenType.BETWEEN,
    "BIGINT": TokenType.BIGINT,
    "CASE": TokenType.CASE,
    "CHAR": TokenType.CHAR,
    "CHARACTER": TokenType.CHAR,
    "CROSS": TokenType.CROSS,
    "DESC": TokenType.DESC,
    "DISTINCT": TokenType.DISTINCT,
    "DOUBLE": TokenType.DOUBLE,
    "ELSE": TokenType.ELSE,
    "END": TokenType.END,
    "EXCEPT": TokenType.EXCEPT,
    "EXISTS": TokenType.EXISTS,
    "FALSE": TokenType.FALSE,
    "FROM": TokenType.FROM,
    "FULL": TokenType.FULL,
    "GROUP": TokenType.GROUP_BY,
    "HAVING": TokenType.HAVING,
    "ILIKE": TokenType.ILIKE,
    "IN": TokenType.IN,
    "INNER": TokenType.INNER,
    "INT": TokenType.INT,
    "INTEGER": TokenType.INT,
    "INTERSECT": TokenType.INTERSECT,
    "IS": TokenType.IS,
    "JOIN": TokenType.JOIN,
    "LEFT": TokenType.LEFT,
    "LIKE": TokenType.LIKE,
    "NATURAL": TokenType.NATURAL,
    "NOT": TokenType.NOT,
    "NULL": TokenType.NULL,
    "OFFSET": TokenType.OFFSET,
    "ON": TokenType.ON,
    "OR": TokenType.OR,
    "ORDER": TokenType.ORDER_BY,
    "OUTER": TokenType.OUTER,
    "REAL": TokenType.FLOAT,
    "RIGHT": TokenType.RIGHT,
    "SELECT": TokenType.SELECT,
    "SMALLINT": TokenType.SMALLINT,
    "THEN": TokenType.THEN,
    "TIMESTAMP": TokenType.TIMESTAMP,
    "TOP": TokenType.TOP,
    "TRUE": TokenType.TRUE,
    "UNION": TokenType.UNION,
    "USING": TokenType.USING,
    "VARCHAR": TokenType.VARCHAR,
    "WHEN": TokenType.WHEN,
    "WHERE": TokenType.WHERE,
    "WITH": TokenType.WITH,
}
# After these JOIN has its kind; a JOIN alone is an INNER one.
BEFORE_JOIN = {"INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "NATURAL"}
TYPES = {
    TokenType.BIGINT,
    TokenType.CHAR,
    TokenType.DOUBLE,
    TokenType.FLOAT,
    TokenType.INT,
    TokenType.SMALLINT,
    TokenType.TIMESTAMP,
    TokenType.VARCHAR,
}
# Words that are names of functions, so that they stay names.
FUNCTION_WORDS = {
    *("AVG", "CAST", "COALESCE", "COUNT", "LOWER", "MAX", "MIN", "NULLIF", "SUM", "UPPER"),
    *("ABS", "ACOS", "ASIN", "ATAN", "ATAN2", "CEILING", "COS", "COT", "DEGREES", "EXP", "FLOOR", "LOG"),
    *("LOG10", "MOD", "PI", "POWER", "RADIANS", "RAND", "ROUND", "SIN", "SQRT", "TAN", "TRUNCATE"),
    *("AREA", "BOX", "CENTROID", "CIRCLE", "CONTAINS", "COORD1", "COORD2", "COORDSYS", "DISTANCE"),
    *("INTERSECTS", "POINT", "POLYGON", "REGION", "IN_UNIT"),
}
# Reserved by SQL 92 and ADQL 2.1 and without a meaning here.
RESERVED = words(
    """ABSOLUTE ACTION ADD ALLOCATE ALTER ANY ARE ASSERTION AT AUTHORIZATION BEGIN BIT BIT_LENGTH BOTH BY
    CASCADE CASCADED CATALOG CHARACTER_LENGTH CHAR_LENGTH CHECK CLOSE COLLATE COLLATION COLUMN COMMIT CONNECT
    CONNECTION CONSTRAINT CONSTRAINTS CONTINUE CONVERT CORRESPONDING CREATE CURRENT CURRENT_DATE CURRENT_TIME
    CURRENT_TIMESTAMP CURRENT_USER CURSOR DATE DAY DEALLOCATE DECIMAL DECLARE DEFAULT DEFERRABLE DEFERRED
    DELETE DESCRIBE DESCRIPTOR DIAGNOSTICS DISCONNECT DOMAIN DROP ESCAPE EXCEPTION EXEC EXECUTE EXTERNAL
    EXTRACT FETCH FIRST FLOAT FOR FOREIGN FOUND GET GLOBAL GO GOTO GRANT HOUR IDENTITY IMMEDIATE INDICATOR
    INITIALLY INPUT INSENSITIVE INSERT INTERVAL INTO ISOLATION KEY LANGUAGE LAST LEADING LEVEL LOCAL MATCH
    MINUTE MODULE MONTH NAMES NATIONAL NCHAR NEXT NO NUMERIC OCTET_LENGTH OF ONLY OPEN OPTION OUTPUT OVERLAPS
    PAD PARTIAL POSITION PRECISION PREPARE PRESERVE PRIMARY PRIOR PRIVILEGES PROCEDURE PUBLIC READ REFERENCES
    RELATIVE RESTRICT REVOKE ROLLBACK ROWS SCHEMA SCROLL SECOND SECTION SESSION SESSION_USER SET SIZE SOME
    SPACE SQL SQLCODE SQLERROR SQLSTATE SUBSTRING SYSTEM_USER TABLE TEMPORARY TIME TIMEZONE_HOUR
    TIMEZONE_MINUTE TO TRAILING TRANSACTION TRANSLATE TRANSLATION TRIM UNIQUE UNKNOWN UPDATE USAGE USER VALUE
    VALUES VARYING VIEW WHENEVER WORK WRITE YEAR ZONE"""
)
# What other databases know, with what to say of it.
FOREIGN = {
    "LIMIT": "write TOP after SELECT",
    "FETCH": "write TOP after SELECT",
    "RECURSIVE": "a WITH may not call itself",
    "LATERAL": "a subquery after FROM cannot look at its neighbours",
    "VALUES": "rows come from tables only",
    "INTO": "the answer is delivered, not stored",
    "FOR": "queries lock nothing",
    "OVER": "there are no window functions",
    "WINDOW": "there are no window functions",
    "QUALIFY": "there are no window functions",
    "TABLESAMPLE": "write ORDER BY RAND() and TOP",
    "PIVOT": "write CASE inside aggregates",
    "UNPIVOT": "write UNION ALL",
    "MINUS": "write EXCEPT",
    "GLOB": "write LIKE",
    "SIMILAR": "write LIKE",
    "REGEXP": "write LIKE",
    "COLLATE": "texts are compared by code point",
    "ESCAPE": "LIKE has no escape character",
    "ARRAY": "there are no array constructors",
    "INTERVAL": "times are days, add numbers to them",
}
# The first word of what is not a query.
STATEMENTS = words(
    """ALTER ANALYZE ATTACH BEGIN CALL CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE DELETE DESCRIBE
    DETACH DISCARD DO DROP EXEC EXECUTE EXPLAIN GRANT IMPORT INSERT KILL LISTEN LOAD LOCK MERGE NOTIFY PRAGMA
    PREPARE REFRESH REINDEX RELEASE REPLACE RESET REVOKE ROLLBACK SAVEPOINT SET SHOW START TABLE TRUNCATE
    UPDATE USE VACUUM VALUES"""
)
