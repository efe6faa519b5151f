drop type afterimage.heard;
