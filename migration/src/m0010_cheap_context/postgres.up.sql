-- A context with a longer id is refused by the type, which costs no change anything, and then read by the function that
-- cuts it.
alter type afterimage.said alter attribute "userId" type varchar(500), alter attribute "correlationId" type varchar(500);
