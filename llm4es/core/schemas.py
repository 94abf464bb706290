"""The Arrow schemas that stages hand to each other, and that the store keeps.

A stage's output carries every column of its schema except ``config_id`` and ``run_id``: whoever keeps the rows adds
those two. ``source_hash`` is the content that a row was made from: equal configuration and equal ``source_hash``
mean that the row need not be computed again.
"""

import pyarrow as pa

KEPT_BY = (pa.field("config_id", pa.string()), pa.field("run_id", pa.string()))
"""Added by the keeper of the rows, not by the stage."""

TIME = pa.timestamp("us", tz="UTC")

EVENT_KEYS = pa.schema(
    [
        ("dataset", pa.string()),
        ("entity_id", pa.string()),
        ("position", pa.int32()),  # 0 = the entity's oldest event; ties in time keep the order of the file
        ("event_time", TIME),
    ]
)
"""An events batch: these columns, then one column a field of the recipe. Sorted by entity_id, then position."""

RECIPES = pa.schema(
    [
        ("dataset", pa.string()),
        ("recipe", pa.string()),  # JSON of the whole recipe, without the folder it was read from
        ("origin", pa.string()),  # absolute path of its TOML, 'built in', or 'frame'
        ("folder", pa.string()),  # folder of the raw data; null: a built-in recipe, whose data is fetched
        ("recipe_hash", pa.string()),  # SHA-256 of the recipe: told apart from the one on disk by it
    ]
)
"""How each dataset is read: with it, a dataset's name is enough."""

BINS = pa.schema(
    [
        ("dataset", pa.string()),
        ("field", pa.string()),
        ("n_bins", pa.int32()),  # as many as the recipe asks for; there is one more than there are edges
        ("edges", pa.list_(pa.float64())),  # rising, each the lowest value of the bin above it
        ("n_entities", pa.int32()),  # whose events the edges are quantiles of
    ]
)
"""Where the words of numbers meet: fitted once, so that tomorrow's texts say the same words."""

TEXTS = pa.schema(
    [
        ("dataset", pa.string()),
        ("entity_id", pa.string()),
        ("variant", pa.string()),  # 'raw', or the name of the enrichment
        ("text", pa.string()),
        ("text_hash", pa.string()),  # SHA-256 of text
        ("event_offsets", pa.list_(pa.int32())),  # event i is text[o[i]:o[i+1]]; null: unknown
        ("n_events", pa.int32()),  # events that the text carries
        ("n_events_dropped", pa.int32()),  # events of the entity that the text leaves out
        ("as_of", TIME),  # exclusive cut-off of the history; null: none
        ("fidelity", pa.float64()),  # share of events a rewriting kept, 0..1; null: not a rewriting
        ("checked", pa.string()),  # by 'fields', or by 'words', the weaker check of prose; null: not, or by 0.1
        ("note", pa.string()),  # why a rewriting was retried or replaced; null: nothing to say
        ("written_by", pa.string()),  # the model that wrote it, as it names itself; null: rules alone
        ("n_events_by_rule", pa.int32()),  # events that a rule wrote instead; null: not a rewriting, or by 0.1
        ("source_hash", pa.string()),
    ]
)

LABELS = pa.schema(
    [
        ("dataset", pa.string()),
        ("entity_id", pa.string()),
        ("task", pa.string()),
        ("label", pa.string()),  # class name, or the number as text for a regression
        ("as_of", TIME),  # when the label is of, where the task says so; null: it says no time
    ]
)

SPLITS = pa.schema(
    [
        ("dataset", pa.string()),
        ("entity_id", pa.string()),
        ("split", pa.string()),  # 'train', 'validation' or 'test'
        ("name", pa.string()),  # which split this is: 'hash', 'ptls', or a column of the recipe
    ]
)

EMBEDDINGS = pa.schema(
    [
        ("dataset", pa.string()),
        ("entity_id", pa.string()),
        ("model", pa.string()),
        ("k", pa.int32()),  # last layers averaged; never more than the model has
        ("pooling", pa.string()),
        ("texts", pa.string()),  # 'raw', 'all', or the variants' names joined by commas
        ("dim", pa.int32()),
        ("vector", pa.list_(pa.float32())),
        ("max_length", pa.int32()),  # tokens a window
        ("history", pa.string()),
        ("load_in", pa.string()),
        ("dtype", pa.string()),
        ("fingerprint", pa.string()),  # of the model: weights, tokenizer, dtype, quantization
        ("n_tokens", pa.int64()),  # tokens that the vector is a mean of
        ("n_tokens_dropped", pa.int64()),
        ("n_events", pa.int32()),
        ("n_events_dropped", pa.int32()),
        ("n_windows", pa.int32()),
        ("stored_as", pa.string()),  # 'float16', 'int8'; null: float32, as computed
        ("stored_cosine", pa.float32()),  # of the vector as it is kept to the one that was computed; null: the same
        ("reading", pa.string()),  # how the vector was made of its events' vectors, in words; null: of a text
        ("aligned_to", pa.string()),  # 'mine@v1': turned into the space of that version's vectors; null: as computed
        ("source_hash", pa.string()),
    ]
)

LAYERS = pa.schema(
    [
        ("dataset", pa.string()),
        ("entity_id", pa.string()),
        ("model", pa.string()),
        ("layer", pa.int32()),  # from 1; the last one's state is taken after the final norm
        ("pooling", pa.string()),
        ("texts", pa.string()),
        ("dim", pa.int32()),
        ("vector", pa.list_(pa.float32())),
        ("max_length", pa.int32()),
        ("history", pa.string()),
        ("load_in", pa.string()),
        ("dtype", pa.string()),
        ("fingerprint", pa.string()),
        ("stored_as", pa.string()),  # as of EMBEDDINGS
        ("source_hash", pa.string()),
    ]
)
"""One row an (entity, layer). The mean of the vectors of the last k layers is the embedding of that k."""

EVENT_VECTORS = pa.schema(
    [
        ("dataset", pa.string()),  # that needed it first: who reads a vector asks not whose it was
        ("event_hash", pa.string()),  # SHA-256 of event_text
        ("event_text", pa.string()),  # what the model read of the event: a line, or a question about it
        ("model", pa.string()),
        ("layer", pa.int32()),  # from 1, as of LAYERS; 0: the vector is log probabilities of answers
        ("dim", pa.int32()),
        ("vector", pa.list_(pa.float32())),
        ("n_tokens", pa.int64()),  # of context and event; a context that all share is computed once a pass
        ("pooling", pa.string()),
        ("context", pa.string()),  # what was read before it, and is not pooled
        ("load_in", pa.string()),
        ("dtype", pa.string()),
        ("fingerprint", pa.string()),
        ("stored_as", pa.string()),  # as of EMBEDDINGS
        ("source_hash", pa.string()),
    ]
)
"""One row an (event text, layer), whoever's event it is."""

CANARIES = pa.schema(
    [
        ("model", pa.string()),  # name of the space: weights, number format, quantization
        ("fingerprint", pa.string()),  # of the space
        ("text", pa.string()),  # which of the fixed texts, by name
        ("vector", pa.list_(pa.float32())),  # every layer's mean over tokens, one after the other: n_layers x dim
        ("device", pa.string()),
        ("versions", pa.string()),  # JSON: library -> version
    ]
)
"""The vectors of three fixed texts at the first use of a space: later uses compare theirs with these."""

EVENT_FITS = pa.schema(
    [
        ("dataset", pa.string()),
        ("model", pa.string()),
        ("k", pa.int32()),
        ("fit_hash", pa.string()),  # SHA-256 of arrays
        ("n_entities", pa.int64()),  # train entities that it was learnt from
        ("newest_event", TIME),  # the latest of their events
        ("reading", pa.string()),  # JSON: weights, whitening, alignment
        ("arrays", pa.binary()),  # what was learnt, as safetensors; kinds by their event_hash
    ]
)
"""What was learnt once of train entities, so that later vectors lie in the same space: one row an embedding. Of their
events, or as the map from one version's space into another's."""

MODELS = pa.schema(
    [
        ("model", pa.string()),  # 'mine'; of later versions 'mine@v2'
        ("version", pa.int32()),  # from 1; null: the first, by 0.1
        ("base", pa.string()),
        ("base_fingerprint", pa.string()),  # of the base's weights and tokenizer when it was tuned
        ("method", pa.string()),  # 'full' or 'lora'
        ("fingerprint", pa.string()),
        ("n_layers", pa.int32()),
        ("dim", pa.int32()),
        ("load_in", pa.string()),
        ("dtype", pa.string()),
        ("path", pa.string()),  # relative to the store's root
        ("dataset", pa.string()),
        ("steps", pa.int32()),
        ("n_entities", pa.int32()),  # entities that the model was trained on: see exposures
        ("held_out_loss_before", pa.float64()),  # nats a token
        ("held_out_loss_after", pa.float64()),
        ("mean_cosine", pa.float64()),  # of base and tuned vectors on some texts
        ("verdict", pa.string()),  # what tuning did, in a sentence
        ("loss_curve", pa.list_(pa.struct([("step", pa.int32()), ("loss", pa.float64()), ("held_out", pa.float64())]))),
        ("source_hash", pa.string()),
    ]
)

EXPOSURES = pa.schema(
    [
        ("model", pa.string()),
        ("fingerprint", pa.string()),
        ("dataset", pa.string()),
        ("entity_id", pa.string()),
        ("n_rows", pa.int32()),  # texts of the entity that the model was trained on
        ("text_hashes", pa.list_(pa.string())),  # which ones: texts.text_hash
        ("role", pa.string()),  # 'train', 'validation' (its loss could end the training), 'declared'; null: train
    ]
)
"""Who a tuned model has seen: one row an entity."""

PROBES = pa.schema(
    [
        ("dataset", pa.string()),
        ("task", pa.string()),
        ("features", pa.string()),
        ("model", pa.string()),
        ("k", pa.int32()),
        ("protocol", pa.string()),
        ("probe", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("ci_low", pa.float64()),
        ("ci_high", pa.float64()),
        ("repeat_std", pa.float64()),  # spread of the metric over repeats (ddof 1): apart from the sampling of users
        ("n", pa.int32()),  # entities scored
        ("n_seen", pa.int32()),  # of them, those that a model in the lineage was trained on
        ("seed", pa.int64()),
        ("leaks", pa.list_(pa.string())),  # what gives the label away, in words; [] nothing, null: nobody looked
        ("chosen", pa.string()),  # what best(...) chose in how many fits, 'tfidf 9, m@8 6'; null: nothing is chosen
        ("source_hash", pa.string()),
    ]
)

PREDICTIONS = pa.schema(
    [
        ("dataset", pa.string()),
        ("task", pa.string()),
        ("features", pa.string()),
        ("protocol", pa.string()),
        ("probe", pa.string()),
        ("entity_id", pa.string()),
        ("fold", pa.int32()),
        ("repeat", pa.int32()),
        ("y_true", pa.string()),
        ("y_score", pa.list_(pa.float64())),  # one a class, classes sorted; regression: one number
        ("seen", pa.bool_()),  # a model in the lineage was trained on this entity
        ("seed", pa.int64()),
        ("source_hash", pa.string()),
    ]
)

PREDICTORS = pa.schema(
    [
        ("dataset", pa.string()),
        ("task", pa.string()),
        ("features", pa.string()),
        ("model_version", pa.int32()),  # 1, 2, ...: each fit of these features stands beside those before
        ("probe", pa.string()),
        ("kind", pa.string()),  # of task
        ("classes", pa.list_(pa.string())),  # in the order of scores; empty: a regression
        ("positive", pa.string()),  # of two classes the one that `value` is of; null: there are not two
        ("n", pa.int32()),  # entities that it was fitted on
        ("entity_ids", pa.list_(pa.string())),  # which ones
        ("labels", pa.list_(pa.string())),  # theirs
        ("cutoff", pa.string()),  # where their histories ended; '': whole histories
        ("inputs", pa.string()),  # JSON: each feature set's space, and what its columns stand for
        ("calibration", pa.string()),  # JSON: slope and intercept a class, of log odds; null: a regression
        ("evidence", pa.string()),  # JSON: what it is worth, out of fold
        ("fitted", pa.binary()),  # the estimators, as skops writes them
        ("source_hash", pa.string()),
    ]
)
"""What was fitted once on labelled entities, to score everybody by."""

SCORES = pa.schema(
    [
        ("dataset", pa.string()),
        ("entity_id", pa.string()),
        ("task", pa.string()),
        ("features", pa.string()),
        ("score", pa.list_(pa.float32())),  # calibrated, one a class in the predictor's order; regression: one number
        ("value", pa.float32()),  # of the positive one of two classes, or the number; null: several classes
        ("trained", pa.bool_()),  # the predictor was fitted on this entity: no evidence of what it is worth
        ("as_of", TIME),  # exclusive cut-off of the history; null: none
        ("model_version", pa.int32()),  # of the predictor
        ("source_hash", pa.string()),
    ]
)
