@contract:gsai @group:SEQ_AUTH_SCOPE @requires:chat
Feature: A key opens what its scopes say, and nothing opens without a valid one

  @p0 @sequence @auth @scope @requires:embeddings
  Scenario: SEQ_AUTH_SCOPE_001_TC01 A key for inference chats and may not embed
    When chat calls POST /api/v1/chat/completions as chat_only
    And the request has the JSON body { model: "{{ models.chat }}", messages: [{ role: user, content: A test of chat. }] }
    Then the status is 200
    And the body satisfies the schema gsai/chat-completion
    And this verifies chat.shape
    And the body satisfies these checks
      | at                           | is        | equals            | verifies             |
      | $.model                      |           | {{ models.chat }} | chat.model-echoed    |
      | $.choices[0].message.content | not-empty |                   | chat.content-present |
    And the body satisfies these checks
      | each                                          | between     | verifies           |
      | $.usage['prompt_tokens', 'completion_tokens'] | [1, 100000] | chat.usage-adds-up |
    And the body satisfies these checks
      | at                   | equals                                                                  | verifies           |
      | $.usage.total_tokens | {{ chat.json.usage.prompt_tokens + chat.json.usage.completion_tokens }} | chat.usage-adds-up |
    And one event is billed with
      | model             | usage                 | key       |
      | {{ models.chat }} | {{ chat.json.usage }} | chat_only |

    When embed calls POST /api/v1/embeddings as chat_only
    And the request has the JSON body { model: "{{ models.embedding }}", input: A test of embedding. }
    Then the status is 401
    And the body satisfies the schema gsai/error-detail
    And this verifies scope.embeddings-need-embedding
    And the body satisfies these checks
      | at       | equals         |
      | $.detail | Not Authorized |
    And no event is billed

  @p0 @sequence @auth @scope @requires:embeddings
  Scenario: SEQ_AUTH_SCOPE_002_TC01 A key for embedding embeds and may not chat
    When embed calls POST /api/v1/embeddings as embedding_only
    And the request has the JSON body { model: "{{ models.embedding }}", input: A test of embedding. }
    Then the status is 200
    And the body satisfies the schema gsai/embeddings
    And this verifies embeddings.shape
    And the body satisfies these checks
      | at      | equals                 | length | verifies                  |
      | $.model | {{ models.embedding }} |        | embeddings.model-echoed   |
      | $.data  |                        | 1      | embeddings.vector-present |
    And the body satisfies these checks
      | any                    | differs_from | verifies                  |
      | $.data[0].embedding[*] | 0            | embeddings.vector-present |
    And one answer is snake-case-usage
    And the body satisfies these checks
      | at                    | is      |
      | $.usage.prompt_tokens | integer |
      | $.usage.total_tokens  | integer |
    And another answer is camel-case-usage
    And the body satisfies these checks
      | at                   | is      |
      | $.usage.promptTokens | integer |
      | $.usage.totalTokens  | integer |
    And one event is billed with
      | model                  | usage                  | key            |
      | {{ models.embedding }} | {{ embed.json.usage }} | embedding_only |

    When chat calls POST /api/v1/chat/completions as embedding_only
    And the request has the JSON body { model: "{{ models.chat }}", messages: [{ role: user, content: A test of chat. }] }
    Then the status is 401
    And the body satisfies the schema gsai/error-detail
    And this verifies scope.chat-needs-inference
    And the body satisfies these checks
      | at       | equals         |
      | $.detail | Not Authorized |
    And no event is billed

  @p0 @sequence @auth @scope @models @requires:embeddings
  Scenario: SEQ_AUTH_SCOPE_003_TC01 A key without model scopes lists the models and may do no more
    When list calls GET /api/v1/models as no_model_scopes
    Then the status is 200
    And this verifies models.any-valid-key
    And the body satisfies these checks
      | at | is        | verifies     |
      | $  | not-empty |              |
      | $  | array     | models.array |
    And the body satisfies these checks
      | each            | is        | one_of            | verifies          |
      | $[*].id         | not-empty |                   | models.item-shape |
      | $[*].name       | not-empty |                   | models.item-shape |
      | $[*].capability |           | [chat, embedding] | models.item-shape |

    When chat calls POST /api/v1/chat/completions as no_model_scopes
    And the request has the JSON body { model: "{{ models.chat }}", messages: [{ role: user, content: A test of chat. }] }
    Then the status is 401
    And the body satisfies the schema gsai/error-detail
    And this verifies scope.chat-needs-inference
    And the body satisfies these checks
      | at       | equals         |
      | $.detail | Not Authorized |
    And no event is billed

    When embed calls POST /api/v1/embeddings as no_model_scopes
    And the request has the JSON body { model: "{{ models.embedding }}", input: A test of embedding. }
    Then the status is 401
    And the body satisfies the schema gsai/error-detail
    And this verifies scope.embeddings-need-embedding
    And the body satisfies these checks
      | at       | equals         |
      | $.detail | Not Authorized |
    And no event is billed

  @p0 @sequence @auth @revocation @requires:embeddings @requires:key_revocation
  Scenario: SEQ_AUTH_SCOPE_004_TC01 A key revoked in mid-sequence stops working, and only that key
    When chat calls POST /api/v1/chat/completions as chat_only
    And the request has the JSON body { model: "{{ models.chat }}", messages: [{ role: user, content: A test of chat. }] }
    Then the status is 200
    And the body satisfies the schema gsai/chat-completion
    And this verifies chat.shape
    And the body satisfies these checks
      | at                           | is        | equals            | verifies             |
      | $.model                      |           | {{ models.chat }} | chat.model-echoed    |
      | $.choices[0].message.content | not-empty |                   | chat.content-present |
    And the body satisfies these checks
      | each                                          | between     | verifies           |
      | $.usage['prompt_tokens', 'completion_tokens'] | [1, 100000] | chat.usage-adds-up |
    And the body satisfies these checks
      | at                   | equals                                                                  | verifies           |
      | $.usage.total_tokens | {{ chat.json.usage.prompt_tokens + chat.json.usage.completion_tokens }} | chat.usage-adds-up |
    And one event is billed

    When revoke revokes the key of chat_only

    When chat_after calls POST /api/v1/chat/completions as chat_only
    And the request has the same body as in chat
    Then the status is 401
    And the body satisfies the schema gsai/error-detail
    And this verifies auth.revoked-refused
    And the body satisfies these checks
      | at       | equals                     |
      | $.detail | Missing or invalid API key |
    And no event is billed

    # The key is looked at before its scopes: not `Not Authorized`.
    When embed_after calls POST /api/v1/embeddings as chat_only
    And the request has the JSON body { model: "{{ models.embedding }}", input: A test of embedding. }
    Then the same is expected as in chat_after
    And no event is billed

    When list_after calls GET /api/v1/models as chat_only
    Then the same is expected as in chat_after

    When other_key calls POST /api/v1/chat/completions as all_scopes
    And the request has the same body as in chat
    Then the status is 200
    And the body satisfies the schema gsai/chat-completion
    And this verifies chat.shape
    And the body satisfies these checks
      | at                           | is        | equals            | verifies             |
      | $.model                      |           | {{ models.chat }} | chat.model-echoed    |
      | $.choices[0].message.content | not-empty |                   | chat.content-present |
    And one event is billed

  @p0 @auth @negative @requires:embeddings
  Scenario: SEQ_AUTH_SCOPE_005_TC01 A request without a credential is refused
    When chat_without_header calls POST /api/v1/chat/completions
    And the request has the JSON body { model: "{{ models.chat }}", messages: [{ role: user, content: A test of chat. }] }
    Then the status is 403
    And the body satisfies the schema gsai/error-detail
    And this verifies auth.missing-refused
    And the body satisfies these checks
      | at       | equals            |
      | $.detail | Not authenticated |
    And no event is billed

    When embed_without_header calls POST /api/v1/embeddings
    And the request has the JSON body { model: "{{ models.embedding }}", input: A test of embedding. }
    Then the same is expected as in chat_without_header
    And no event is billed

    When list_without_header calls GET /api/v1/models
    Then the same is expected as in chat_without_header

    When key_in_another_header calls POST /api/v1/chat/completions
    And the request has the header x-api-key: plumbline-no-such-key
    And the request has the same body as in chat_without_header
    Then the same is expected as in chat_without_header
    And no event is billed

    # The control: the same request with a valid key shows that the credential was the reason.
    When valid_key calls POST /api/v1/chat/completions as all_scopes
    And the request has the same body as in chat_without_header
    Then the status is 200
    And the body satisfies the schema gsai/chat-completion
    And this verifies chat.shape
    And the body satisfies these checks
      | at                           | is        | equals            | verifies             |
      | $.model                      |           | {{ models.chat }} | chat.model-echoed    |
      | $.choices[0].message.content | not-empty |                   | chat.content-present |
    And one event is billed

  @p0 @auth @negative
  Scenario: SEQ_AUTH_SCOPE_005_TC02 A malformed credential is refused
    When token_without_scheme calls POST /api/v1/chat/completions
    And the request has the header authorization: plumbline-no-such-key
    And the request has the JSON body { model: "{{ models.chat }}", messages: [{ role: user, content: A test of chat. }] }
    Then the status is 403
    And the body satisfies the schema gsai/error-detail
    And this verifies auth.malformed-refused
    And the body satisfies these checks
      | at       | equals            |
      | $.detail | Not authenticated |
    And no event is billed

    When scheme_without_token calls POST /api/v1/chat/completions
    And the request has the header authorization: Bearer
    And the request has the same body as in token_without_scheme
    Then the same is expected as in token_without_scheme
    And no event is billed

    When basic_scheme calls POST /api/v1/chat/completions
    And the request has the header authorization: Basic cGx1bWJsaW5lOm5vLXN1Y2gta2V5
    And the request has the same body as in token_without_scheme
    Then the status is 403
    And the body satisfies the schema gsai/error-detail
    And this verifies auth.malformed-refused
    And the body satisfies these checks
      | at       | equals                             |
      | $.detail | Invalid authentication credentials |
    And no event is billed

    # The control: the same request with a valid key shows that the credential was the reason.
    When valid_key calls POST /api/v1/chat/completions as all_scopes
    And the request has the same body as in token_without_scheme
    Then the status is 200
    And the body satisfies the schema gsai/chat-completion
    And this verifies chat.shape
    And the body satisfies these checks
      | at                           | is        | equals            | verifies             |
      | $.model                      |           | {{ models.chat }} | chat.model-echoed    |
      | $.choices[0].message.content | not-empty |                   | chat.content-present |
    And one event is billed

  @p0 @auth @negative
  Scenario: SEQ_AUTH_SCOPE_005_TC03 An unknown key is refused
    When unknown_key calls POST /api/v1/chat/completions
    And the request has the header authorization: Bearer plumbline-no-such-key
    And the request has the JSON body { model: "{{ models.chat }}", messages: [{ role: user, content: A test of chat. }] }
    Then the status is 401
    And the body satisfies the schema gsai/error-detail
    And this verifies auth.unknown-refused
    And the body satisfies these checks
      | at       | equals                     |
      | $.detail | Missing or invalid API key |
    And no event is billed

    # The control: the same request with a valid key shows that the credential was the reason.
    When valid_key calls POST /api/v1/chat/completions as all_scopes
    And the request has the same body as in unknown_key
    Then the status is 200
    And the body satisfies the schema gsai/chat-completion
    And this verifies chat.shape
    And the body satisfies these checks
      | at                           | is        | equals            | verifies             |
      | $.model                      |           | {{ models.chat }} | chat.model-echoed    |
      | $.choices[0].message.content | not-empty |                   | chat.content-present |
    And one event is billed

  @p0 @auth @negative
  Scenario Outline: <id> <title>
    When <step> calls POST /api/v1/chat/completions as <role>
    And the request has the JSON body { model: "{{ models.chat }}", messages: [{ role: user, content: A test of chat. }] }
    Then the status is 401
    And the body satisfies the schema gsai/error-detail
    And this verifies <requirement>
    And the body satisfies these checks
      | at       | equals   |
      | $.detail | <detail> |
    And no event is billed

    # The control: the same request with a valid key shows that the credential was the reason.
    When valid_key calls POST /api/v1/chat/completions as all_scopes
    And the request has the same body as in <step>
    Then the status is 200
    And the body satisfies the schema gsai/chat-completion
    And this verifies chat.shape
    And the body satisfies these checks
      | at                           | is        | equals            | verifies             |
      | $.model                      |           | {{ models.chat }} | chat.model-echoed    |
      | $.choices[0].message.content | not-empty |                   | chat.content-present |
    And one event is billed

    Examples:
      | id                      | title                                                          | step         | role     | requirement           | detail                     |
      | SEQ_AUTH_SCOPE_005_TC04 | An inactive key is refused in the same words as an unknown one | inactive_key | inactive | auth.inactive-refused | Missing or invalid API key |
      | SEQ_AUTH_SCOPE_005_TC05 | An expired key is refused, and told so                         | expired_key  | expired  | auth.expired-refused  | API key is expired         |
