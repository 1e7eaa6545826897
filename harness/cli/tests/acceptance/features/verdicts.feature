Feature: A gateway is judged by what it does
  The reference gateway can be broken on purpose. What was broken, and nothing else, must show.

  Scenario: A sound gateway conforms
    Given a sound gateway
    When I run "plumbline run"
    Then the exit code is 0
    And it prints "✓ conformant"
    And every case passed

  Scenario Outline: A gateway with the defect <defect> does not conform
    Given a gateway with the defect <defect>
    When I run "plumbline run <scenarios>"
    Then the exit code is 1
    And it prints "✗ not conformant"
    And only <failed> failed

    Examples:
      | defect                | scenarios             | failed                                                                    |
      | scope-not-enforced    | SEQ_AUTH_SCOPE_*      | SEQ_AUTH_SCOPE_001_TC01, SEQ_AUTH_SCOPE_002_TC01, SEQ_AUTH_SCOPE_003_TC01 |
      | wrong-model-echoed    | SEQ_MODEL_DISCOVERY_* | SEQ_MODEL_DISCOVERY_001_TC01, SEQ_MODEL_DISCOVERY_002_TC01                |
      | history-dropped       | SEQ_CONVERSATION_001* | SEQ_CONVERSATION_001_TC01, SEQ_CONVERSATION_001_TC02                      |
      | billing-event-missing | SEQ_BILLING_*         | SEQ_BILLING_001_TC01[billing], SEQ_BILLING_002_TC01[billing]              |
      | last-used-not-moved   | SEQ_BILLING_*         | SEQ_BILLING_002_TC01[keys]                                                |
      | request-id-not-logged | SEQ_REQUEST_TRACE_*   | SEQ_REQUEST_TRACE_001_TC01[logs]                                          |

  Scenario: What should be so and is not is a warning
    Given a gateway with the defect finish-reason-always-stop
    When I run "plumbline run EC_BODY_NUM_003"
    Then the exit code is 0
    And EC_BODY_NUM_003 passed
    And EC_BODY_NUM_003 has a warning about chat.finish-reason-length
    And it prints "SHOULD chat.finish-reason-length"
    And it prints "1 warning"
