"""What a probe reads about each entity: vectors, baselines, imported columns, and neighbours among them."""
