"""What a network reads: texts as tokens, cut into windows, packed into rows. ``embed`` and ``finetune`` share it."""
