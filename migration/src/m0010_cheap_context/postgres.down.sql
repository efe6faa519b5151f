alter type afterimage.said alter attribute "userId" type text, alter attribute "correlationId" type text;
