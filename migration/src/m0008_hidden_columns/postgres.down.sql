alter table afterimage.tracked_table drop column hidden_numbers;
