drop table afterimage.rollup_trash;
drop table afterimage.rollup_user;
drop table afterimage.rollup_count;
drop table afterimage.rollup_position;
