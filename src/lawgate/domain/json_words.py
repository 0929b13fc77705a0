"""Words that inference protocols themselves put into JSON.

Rule: a word is here because a specification (OpenAI's or Anthropic's API, JSON Schema, Ollama, KServe)
writes it, so that it cannot be anybody's data. A name or a value that is not here is searched.
"""

from typing import Final

MEMBER_NAMES: Final = frozenset(
    """
    additionalProperties annotations arguments assistant audio audio_tokens
    best_of bos_token cached_tokens choices code completion completion_tokens completion_tokens_details
    content content_block content_filter_results content_index context conversation
    created created_at data delta description dimensions done done_reason echo embedding embeddings
    encoding_format enum error eval_count eval_duration event exchange_id finish_reason format frequency_penalty
    function function_call functions generated_text id image_url include_obfuscation include_usage index input
    input_tokens inputs instructions item item_id items json_schema keep_alive logit_bias logprob
    logprobs max_completion_tokens max_output_tokens max_tokens message messages metadata min_p modalities model
    n name num_predict object obfuscation op options output output_index output_text output_tokens
    parallel_tool_calls parameters param params part partial_json predictions presence_penalty prompt
    prompt_eval_count prompt_eval_duration prompt_tokens prompt_tokens_details properties query raw reasoning
    reasoning_content reasoning_effort reasoning_tokens refusal repetition_penalty required response
    response_format result results role safety_identifier schema seed sequence_number service_tier stop
    stop_reason stop_sequence stop_sequences store stream stream_options strict suffix summary summary_text
    system system_fingerprint temperature text thinking title token token_ids tokens tool tool_call_id tool_calls
    tool_choice tools top_k top_logprobs top_n top_p total_duration total_tokens truncation type url usage user
    value values verbosity
    """.split()
)
"""Member names that are not searched."""

VALUES: Final = frozenset(
    """
    user assistant system developer tool function text stop length tool_calls function_call content_filter
    chat.completion chat.completion.chunk text_completion list model embedding float base64 default auto none
    required object string number integer boolean array null json_object json_schema low medium high minimal
    flex priority scale standard error message output_text input_text image_url input_image input_file
    """.split()
)
"""String values that are not searched, wherever they stand."""

COUNTS: Final = frozenset(
    """
    audio_tokens best_of cached_tokens completion_tokens content_index created created_at dimensions
    eval_count eval_duration frequency_penalty index input_tokens logprob max_completion_tokens
    max_output_tokens max_tokens min_p n num_predict output_index output_tokens presence_penalty
    prompt_eval_count prompt_eval_duration prompt_tokens reasoning_tokens repetition_penalty seed
    sequence_number temperature top_k top_logprobs top_n top_p total_duration total_tokens
    """.split()
)
"""Members that hold a count, a setting or a time in seconds: numbers of up to ten characters under
them are not searched (a payment card has twelve digits or more)."""
