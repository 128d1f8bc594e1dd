"""What people look at: reports and their pictures. Draws only; nothing here is used to fit or to score."""
