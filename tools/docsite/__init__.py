"""Makes the documentation site out of the Markdown that people read in the repository, and checks it."""
