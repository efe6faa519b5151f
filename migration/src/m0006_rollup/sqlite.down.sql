DROP TABLE afterimage_rollup_trash;
DROP TABLE afterimage_rollup_user;
DROP TABLE afterimage_rollup_count;
DROP TABLE afterimage_rollup_position;
