"""How urgent work is: what somebody waits for in front of a page runs before the work of many rows."""

BULK = 0
BY_HAND = 10  # an edited cell, a row run again
WANTED = 15  # a cell that somebody wants made now
FEW = 200  # units; an edit or a rerun that reaches more in a table is the work of many rows
FIRST = 20  # what somebody has put first

NOBODY = 0  # the id of whom the queue says that they asked, where nobody did
