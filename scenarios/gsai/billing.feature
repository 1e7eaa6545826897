# The nonce in each text keeps a gateway that caches answers from having nothing to bill.
@contract:gsai @group:SEQ_BILLING @requires:chat @requires:embeddings
Feature: Successful calls are billed, and move the time at which their key was last used

  @p0 @sequence @billing @chat @embeddings
  Scenario: SEQ_BILLING_001_TC01 Three successful calls cause three billing events that match them
    When first_chat calls POST /api/v1/chat/completions as all_scopes
    And the request has the JSON body
      """
      {
        "model": "{{ models.chat }}",
        "messages": [{ "role": "user", "content": "Billing, first call, {{ nonce }}" }]
      }
      """
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
      | at                   | equals                                                                              | verifies           |
      | $.usage.total_tokens | {{ first_chat.json.usage.prompt_tokens + first_chat.json.usage.completion_tokens }} | chat.usage-adds-up |
    And one event is billed with
      | model             | usage                       | key        |
      | {{ models.chat }} | {{ first_chat.json.usage }} | all_scopes |

    When embed calls POST /api/v1/embeddings as all_scopes
    And the request has the JSON body
      """
      { "model": "{{ models.embedding }}", "input": "Billing, second call, {{ nonce }}" }
      """
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
      | model                  | usage                  | key        |
      | {{ models.embedding }} | {{ embed.json.usage }} | all_scopes |

    When second_chat calls POST /api/v1/chat/completions as all_scopes
    And the request has the JSON body
      """
      {
        "model": "{{ models.chat_other }}",
        "messages": [{ "role": "user", "content": "Billing, third call, {{ nonce }}" }]
      }
      """
    Then the status is 200
    And the body satisfies the schema gsai/chat-completion
    And this verifies chat.shape
    And the body satisfies these checks
      | at                           | is        | equals                  | verifies             |
      | $.model                      |           | {{ models.chat_other }} | chat.model-echoed    |
      | $.choices[0].message.content | not-empty |                         | chat.content-present |
    And the body satisfies these checks
      | each                                          | between     | verifies           |
      | $.usage['prompt_tokens', 'completion_tokens'] | [1, 100000] | chat.usage-adds-up |
    And the body satisfies these checks
      | at                   | equals                                                                                | verifies           |
      | $.usage.total_tokens | {{ second_chat.json.usage.prompt_tokens + second_chat.json.usage.completion_tokens }} | chat.usage-adds-up |
    And one event is billed with
      | model                   | usage                        | key        |
      | {{ models.chat_other }} | {{ second_chat.json.usage }} | all_scopes |

  @p1 @sequence @keys @chat @embeddings
  Scenario: SEQ_BILLING_002_TC01 A successful call moves the time at which its key was last used
    # A key for each call, so that a gateway that keeps whole seconds is judged fairly.
    When chat calls POST /api/v1/chat/completions as chat_only
    And the request has the JSON body
      """
      {
        "model": "{{ models.chat }}",
        "messages": [{ "role": "user", "content": "Last use, first call, {{ nonce }}" }]
      }
      """
    Then the status is 200
    And the body satisfies the schema gsai/chat-completion
    And this verifies chat.shape
    And the body satisfies these checks
      | at                           | is        | equals            | verifies             |
      | $.model                      |           | {{ models.chat }} | chat.model-echoed    |
      | $.choices[0].message.content | not-empty |                   | chat.content-present |
    And the key's time of last use moves, which verifies keys.last-used-moves
    And one event is billed

    When embed calls POST /api/v1/embeddings as embedding_only
    And the request has the JSON body
      """
      { "model": "{{ models.embedding }}", "input": "Last use, second call, {{ nonce }}" }
      """
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
    And the key's time of last use moves, which verifies keys.last-used-moves
    And one event is billed
