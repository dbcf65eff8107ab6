"""The shapes of `shapes` on PostgreSQL, step by step the same.

A shape is an array there: a point or circle is ``{1, radius, x, y, z, ra, dec}``, and a polygon is ``{n, middle, east,
north, corners}``, where each of the n corners is ``x, y, z`` and its two coordinates as seen from the middle. The
planner computes it once where the text is a constant.
"""

SHAPES = r"""
CREATE OR REPLACE FUNCTION adql.shape(region text) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    words text[]; kind text; numbers float8[]; n integer; i integer; round integer;
    v float8[]; total float8[]; m float8[]; e float8[]; o float8[]; worst integer; lowest float8; d float8; len float8;
    result float8[];
BEGIN
    IF region !~* ('^\s*(point|circle|polygon)'
        '(\s+[+-]?([0-9]{1,100}\.?[0-9]{0,100}|\.[0-9]{1,100})(e[+-]?[0-9]{1,2})?)+\s*$') THEN
        RETURN NULL;
    END IF;
    words := regexp_split_to_array(btrim(region, E' \t\n\r'), '\s+');
    kind := lower(words[1]);
    numbers := words[2:]::float8[];
    n := array_length(numbers, 1);
    FOR i IN 1 .. CASE WHEN kind = 'circle' THEN 1 ELSE n / 2 END LOOP
        IF NOT (abs(numbers[2 * i]) <= 90 AND abs(numbers[2 * i - 1]) < 1e9) THEN RETURN NULL; END IF;
        v[3 * i - 2] := cos(radians(numbers[2 * i])) * cos(radians(numbers[2 * i - 1]));
        v[3 * i - 1] := cos(radians(numbers[2 * i])) * sin(radians(numbers[2 * i - 1]));
        v[3 * i] := sin(radians(numbers[2 * i]));
    END LOOP;
    IF kind = 'point' AND n = 2 THEN
        RETURN ARRAY[1, 0, v[1], v[2], v[3], numbers[1], numbers[2]];
    ELSIF kind = 'circle' AND n = 3 AND numbers[3] BETWEEN 0 AND 180 THEN
        RETURN ARRAY[1, radians(numbers[3]), v[1], v[2], v[3], numbers[1], numbers[2]];
    ELSIF kind <> 'polygon' OR n < 6 OR n % 2 = 1 THEN
        RETURN NULL;
    END IF;
    n := n / 2;
    total := ARRAY[0, 0, 0];
    FOR i IN 1 .. n LOOP
        total := ARRAY[total[1] + v[3 * i - 2], total[2] + v[3 * i - 1], total[3] + v[3 * i]];
    END LOOP;
    FOR round IN 1 .. 101 LOOP
        IF round = 101 THEN RETURN NULL; END IF;
        len := sqrt(total[1] * total[1] + total[2] * total[2] + total[3] * total[3]);
        IF len = 0 THEN len := 1; END IF;
        m := ARRAY[total[1] / len, total[2] / len, total[3] / len];
        lowest := 2;
        FOR i IN 1 .. n LOOP
            d := m[1] * v[3 * i - 2] + m[2] * v[3 * i - 1] + m[3] * v[3 * i];
            IF d < lowest THEN lowest := d; worst := i; END IF;
        END LOOP;
        EXIT WHEN lowest > 1e-3;
        total := ARRAY[m[1] + v[3 * worst - 2] * 0.5, m[2] + v[3 * worst - 1] * 0.5, m[3] + v[3 * worst] * 0.5];
    END LOOP;
    e := CASE WHEN abs(m[3]) < 0.9 THEN ARRAY[-m[2], m[1], 0] ELSE ARRAY[0, -m[3], m[2]] END;
    len := sqrt(e[1] * e[1] + e[2] * e[2] + e[3] * e[3]);
    e := ARRAY[e[1] / len, e[2] / len, e[3] / len];
    o := ARRAY[m[2] * e[3] - m[3] * e[2], m[3] * e[1] - m[1] * e[3], m[1] * e[2] - m[2] * e[1]];
    result := n::float8 || m || e || o;
    FOR i IN 1 .. n LOOP
        d := m[1] * v[3 * i - 2] + m[2] * v[3 * i - 1] + m[3] * v[3 * i];
        result := result || ARRAY[v[3 * i - 2], v[3 * i - 1], v[3 * i],
            (e[1] * v[3 * i - 2] + e[2] * v[3 * i - 1] + e[3] * v[3 * i]) / d,
            (o[1] * v[3 * i - 2] + o[2] * v[3 * i - 1] + o[3] * v[3 * i]) / d];
    END LOOP;
    RETURN result;
END $body$;

CREATE OR REPLACE FUNCTION adql.angle(ax float8, ay float8, az float8, bx float8, by float8, bz float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT atan2(sqrt(power(ay * bz - az * by, 2) + power(az * bx - ax * bz, 2) + power(ax * by - ay * bx, 2)),
        ax * bx + ay * by + az * bz)
$body$;

CREATE OR REPLACE FUNCTION adql.in_shape(s float8[], px float8, py float8, pz float8) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    n integer := s[1]; depth float8; x float8; y float8; x0 float8; y0 float8; x1 float8; y1 float8;
    dx float8; dy float8;
    across float8; along float8; len float8; near float8; inside boolean := false;
BEGIN
    IF n = 1 THEN RETURN adql.angle(s[3], s[4], s[5], px, py, pz) <= s[2] + 1e-11; END IF;
    depth := s[2] * px + s[3] * py + s[4] * pz;
    IF depth < 1e-4 THEN RETURN false; END IF;
    x := (s[5] * px + s[6] * py + s[7] * pz) / depth;
    y := (s[8] * px + s[9] * py + s[10] * pz) / depth;
    near := 1e-11 * (1 + x * x + y * y);
    x0 := s[5 * n + 9]; y0 := s[5 * n + 10];
    FOR i IN 1 .. n LOOP
        x1 := s[5 * i + 9]; y1 := s[5 * i + 10];
        dx := x1 - x0; dy := y1 - y0;
        across := dx * (y - y0) - dy * (x - x0);
        len := sqrt(dx * dx + dy * dy);
        along := dx * (x - x0) + dy * (y - y0);
        IF abs(across) <= near * len AND along >= -near * len AND along <= len * (len + near) THEN RETURN true; END IF;
        IF (y0 > y) <> (y1 > y) AND (across > 0) = (dy > 0) THEN inside := NOT inside; END IF;
        x0 := x1; y0 := y1;
    END LOOP;
    RETURN inside;
END $body$;

CREATE OR REPLACE FUNCTION adql.holds_shape(s float8[], ra float8, decl float8) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT CASE WHEN abs(decl) <= 90 AND abs(ra) < 1e9 THEN
        adql.in_shape(s, cos(radians(decl)) * cos(radians(ra)), cos(radians(decl)) * sin(radians(ra)),
            sin(radians(decl))) END
$body$;

CREATE OR REPLACE FUNCTION adql.holds(region text, ra float8, decl float8) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$ SELECT adql.holds_shape(adql.shape(region), ra, decl) $body$;

CREATE OR REPLACE FUNCTION adql.to_edge(px float8, py float8, pz float8, ax float8, ay float8, az float8,
    bx float8, by float8, bz float8) RETURNS float8
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    nx float8 := ay * bz - az * by; ny float8 := az * bx - ax * bz; nz float8 := ax * by - ay * bx; len float8;
BEGIN
    IF (ny * az - nz * ay) * px + (nz * ax - nx * az) * py + (nx * ay - ny * ax) * pz > 0
        AND (by * nz - bz * ny) * px + (bz * nx - bx * nz) * py + (bx * ny - by * nx) * pz > 0 THEN
        len := sqrt(nx * nx + ny * ny + nz * nz);
        IF len = 0 THEN len := 1; END IF;
        RETURN abs(asin(GREATEST(-1, LEAST(1, (nx * px + ny * py + nz * pz) / len))));
    END IF;
    RETURN LEAST(adql.angle(px, py, pz, ax, ay, az), adql.angle(px, py, pz, bx, by, bz));
END $body$;

CREATE OR REPLACE FUNCTION adql.nearest_edge(s float8[], px float8, py float8, pz float8) RETURNS float8
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    n integer := s[1]; k integer := 5 * n + 6; i integer; lowest float8 := 4;
BEGIN
    FOR i IN 1 .. n LOOP
        lowest := LEAST(lowest, adql.to_edge(px, py, pz, s[k], s[k + 1], s[k + 2],
            s[5 * i + 6], s[5 * i + 7], s[5 * i + 8]));
        k := 5 * i + 6;
    END LOOP;
    RETURN lowest;
END $body$;

CREATE OR REPLACE FUNCTION adql.edges_cross(s float8[], t float8[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    n integer := s[1]; m integer := t[1]; a integer := 5 * n + 6; b integer; c integer; d integer;
    x float8; y float8; z float8; u float8; v float8; w float8; p float8; q float8; r float8; o float8;
BEGIN
    FOR i IN 1 .. n LOOP
        b := 5 * i + 6;
        x := s[a + 1] * s[b + 2] - s[a + 2] * s[b + 1];
        y := s[a + 2] * s[b] - s[a] * s[b + 2];
        z := s[a] * s[b + 1] - s[a + 1] * s[b];
        c := 5 * m + 6;
        FOR j IN 1 .. m LOOP
            d := 5 * j + 6;
            p := -(x * t[c] + y * t[c + 1] + z * t[c + 2]);
            q := x * t[d] + y * t[d + 1] + z * t[d + 2];
            IF (p > 0 AND q > 0) OR (p < 0 AND q < 0) THEN
                u := t[c + 1] * t[d + 2] - t[c + 2] * t[d + 1];
                v := t[c + 2] * t[d] - t[c] * t[d + 2];
                w := t[c] * t[d + 1] - t[c + 1] * t[d];
                r := -(u * s[b] + v * s[b + 1] + w * s[b + 2]);
                o := u * s[a] + v * s[a + 1] + w * s[a + 2];
                IF (p > 0 AND r > 0 AND o > 0) OR (p < 0 AND r < 0 AND o < 0) THEN RETURN true; END IF;
            END IF;
            c := d;
        END LOOP;
        a := b;
    END LOOP;
    RETURN false;
END $body$;

CREATE OR REPLACE FUNCTION adql.corners_in(s float8[], t float8[], every boolean) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE n integer := s[1]; i integer;
BEGIN
    FOR i IN 1 .. n LOOP
        IF adql.in_shape(t, s[5 * i + 6], s[5 * i + 7], s[5 * i + 8]) <> every THEN RETURN NOT every; END IF;
    END LOOP;
    RETURN every;
END $body$;

CREATE OR REPLACE FUNCTION adql.contains(inner_region text, outer_region text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    s float8[] := adql.shape(inner_region); t float8[] := adql.shape(outer_region);
    s_point boolean := btrim(inner_region, E' \t\n\r') ~* '^point';
    t_point boolean := btrim(outer_region, E' \t\n\r') ~* '^point';
BEGIN
    IF s IS NULL OR t IS NULL THEN RETURN NULL; END IF;
    IF s_point THEN RETURN adql.in_shape(t, s[3], s[4], s[5]); END IF;
    IF t_point THEN RETURN s[1] = 1 AND s[2] = 0 AND adql.in_shape(t, s[3], s[4], s[5]); END IF;
    IF s[1] = 1 AND t[1] = 1 THEN
        RETURN adql.angle(s[3], s[4], s[5], t[3], t[4], t[5]) + s[2] <= t[2] + 1e-11;
    END IF;
    IF s[1] = 1 THEN
        RETURN adql.in_shape(t, s[3], s[4], s[5]) AND adql.nearest_edge(t, s[3], s[4], s[5]) >= s[2] - 1e-11;
    END IF;
    IF NOT adql.corners_in(s, t, true) THEN RETURN false; END IF;
    RETURN t[1] = 1 OR NOT adql.edges_cross(s, t);
END $body$;

CREATE OR REPLACE FUNCTION adql.intersects(one text, other text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    s float8[] := adql.shape(one); t float8[] := adql.shape(other); c float8[];
BEGIN
    IF s IS NULL OR t IS NULL THEN RETURN NULL; END IF;
    IF s[1] = 1 AND t[1] = 1 THEN
        RETURN adql.angle(s[3], s[4], s[5], t[3], t[4], t[5]) <= s[2] + t[2] + 1e-11;
    END IF;
    IF t[1] = 1 THEN c := s; s := t; t := c; END IF;
    IF s[1] = 1 THEN
        IF adql.in_shape(t, s[3], s[4], s[5]) THEN RETURN true; END IF;
        RETURN s[2] > 0 AND adql.nearest_edge(t, s[3], s[4], s[5]) <= s[2] + 1e-11;
    END IF;
    RETURN adql.corners_in(s, t, false) OR adql.corners_in(t, s, false) OR adql.edges_cross(s, t);
END $body$;

CREATE OR REPLACE FUNCTION adql.area(region text) RETURNS float8
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    s float8[] := adql.shape(region); n integer := s[1]; a integer := 5 * n + 6; b integer; total float8 := 0;
BEGIN
    IF s IS NULL THEN RETURN NULL; END IF;
    IF n = 1 THEN RETURN 4 * pi() * power(sin(s[2] / 2), 2) * power(degrees(1), 2); END IF;
    FOR i IN 1 .. n LOOP
        b := 5 * i + 6;
        total := total + 2 * atan2(
            s[2] * (s[a + 1] * s[b + 2] - s[a + 2] * s[b + 1]) + s[3] * (s[a + 2] * s[b] - s[a] * s[b + 2])
                + s[4] * (s[a] * s[b + 1] - s[a + 1] * s[b]),
            1 + s[a] * s[b] + s[a + 1] * s[b + 1] + s[a + 2] * s[b + 2] + s[2] * (s[a] + s[b])
                + s[3] * (s[a + 1] + s[b + 1]) + s[4] * (s[a + 2] + s[b + 2]));
        a := b;
    END LOOP;
    RETURN abs(total) * power(degrees(1), 2);
END $body$;

CREATE OR REPLACE FUNCTION adql.centroid(region text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    s float8[] := adql.shape(region); n integer := s[1]; a integer := 5 * n + 6; b integer;
    x float8 := 0; y float8 := 0; z float8 := 0; u float8; v float8; w float8; len float8; turn float8;
BEGIN
    IF s IS NULL THEN RETURN NULL; END IF;
    IF n = 1 THEN RETURN 'point ' || s[6] || ' ' || s[7]; END IF;
    FOR i IN 1 .. n LOOP
        b := 5 * i + 6;
        u := s[a + 1] * s[b + 2] - s[a + 2] * s[b + 1];
        v := s[a + 2] * s[b] - s[a] * s[b + 2];
        w := s[a] * s[b + 1] - s[a + 1] * s[b];
        len := sqrt(u * u + v * v + w * w);
        IF len > 0 THEN
            turn := adql.angle(s[a], s[a + 1], s[a + 2], s[b], s[b + 1], s[b + 2]) / len;
            x := x + u * turn; y := y + v * turn; z := z + w * turn;
        END IF;
        a := b;
    END LOOP;
    IF x * s[2] + y * s[3] + z * s[4] < 0 THEN x := -x; y := -y; z := -z; END IF;
    IF x = 0 AND y = 0 AND z = 0 THEN x := s[2]; y := s[3]; z := s[4]; END IF;
    turn := degrees(atan2(y, x));
    RETURN 'point ' || CASE WHEN turn < 0 THEN turn + 360 ELSE turn END
        || ' ' || degrees(atan2(z, sqrt(x * x + y * y)));
END $body$;

CREATE OR REPLACE FUNCTION adql.coord1(region text) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$ SELECT (adql.shape(region))[6] $body$;

CREATE OR REPLACE FUNCTION adql.coord2(region text) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$ SELECT (adql.shape(region))[7] $body$;

CREATE OR REPLACE FUNCTION adql.point(ra float8, decl float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT CASE WHEN abs(decl) <= 90 AND abs(ra) < 1e9 THEN 'point ' || ra || ' ' || decl END
$body$;

CREATE OR REPLACE FUNCTION adql.circle(ra float8, decl float8, radius float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT CASE WHEN abs(decl) <= 90 AND abs(ra) < 1e9 AND radius >= 0 AND radius <= 180 THEN
        'circle ' || ra || ' ' || decl || ' ' || radius END
$body$;

CREATE OR REPLACE FUNCTION adql.polygon(VARIADIC numbers float8[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT CASE WHEN adql.shape('polygon ' || array_to_string(numbers, ' ', '-')) IS NOT NULL THEN
        'polygon ' || array_to_string(numbers, ' ') END
$body$;
"""
