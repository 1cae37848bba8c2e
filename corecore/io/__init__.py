"""Files in and out, one format a file. Only here is any frame but RAS mm known."""
