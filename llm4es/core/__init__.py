"""What every part of llm4es stands on: errors, schemas, hashes, plans. Knows no stage, no model and no store."""
