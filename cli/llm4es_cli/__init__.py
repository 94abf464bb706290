"""The command line of llm4es: parse, ask the store, call a stage, write, show. No decision about data is made here."""
