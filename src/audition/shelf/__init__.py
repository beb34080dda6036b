"""What stands in `conf/`, kept in step with the classes it names: yaml, tables, pages, new members."""
