Feature: Any gateway can be tested, as far as it can be seen
  A gateway is described in a file. What the file leaves out is said not to be known, and never counted as a pass.

  Scenario: A sound gateway in another process conforms
    Given a sound gateway in another process
    And the file "targets/local.yaml" of this project
    When I run "plumbline run SEQ_BILLING_* SEQ_AUTH_SCOPE_* --target targets/local.yaml"
    Then the exit code is 0
    And every case passed

  Scenario: A defect of a gateway in another process shows in its log
    Given a gateway in another process with the defect billing-event-missing
    And the file "targets/local.yaml" of this project
    When I run "plumbline run SEQ_BILLING_001_TC01 --target targets/local.yaml"
    Then the exit code is 1
    And only SEQ_BILLING_001_TC01[billing] failed

  Scenario: What nobody observes is not testable
    Given a sound gateway in another process
    And the environment variable GATEWAY_KEY is "sk-plumbline-all-scopes"
    And the file "gateway.yaml":
      """
      name: a gateway whose bills nobody sees
      answers: scripted
      capabilities: [chat]
      models: { chat: { id: claude_3_5_sonnet } }
      roles: { all_scopes: { env: GATEWAY_KEY } }
      """
    When I run "plumbline run SEQ_MODEL_DISCOVERY_001_TC01 --target gateway.yaml"
    Then the exit code is 0
    And SEQ_MODEL_DISCOVERY_001_TC01 passed
    And SEQ_MODEL_DISCOVERY_001_TC01[billing] is not testable
    When I run "plumbline run SEQ_MODEL_DISCOVERY_001_TC01 --target gateway.yaml --strict"
    Then the exit code is 1
    And it prints "1 case not testable, which is not conformant"

  Scenario: A credential that was forgotten is told before anything is sent
    Given the file "gateway.yaml":
      """
      name: a gateway whose key nobody exported
      url: http://127.0.0.1:1
      roles: { all_scopes: { env: FORGOTTEN_KEY } }
      """
    When I run "plumbline run --target gateway.yaml"
    Then the exit code is 3
    And it complains of "gateway.yaml:3:"
    And it complains of "role `all_scopes` has no credential: the environment variable `FORGOTTEN_KEY` is not set"

  Scenario: What was never promised is unsupported
    Given a sound gateway in another process
    And the environment variable GATEWAY_KEY is "sk-plumbline-all-scopes"
    And the file "gateway.yaml":
      """
      name: a gateway that does not embed
      capabilities: [chat]
      models: { chat: { id: claude_3_5_sonnet } }
      roles: { all_scopes: { env: GATEWAY_KEY } }
      """
    When I run "plumbline run SEQ_MODEL_DISCOVERY_001_TC01 SEQ_MODEL_DISCOVERY_002_TC01 --target gateway.yaml"
    Then the exit code is 0
    And SEQ_MODEL_DISCOVERY_001_TC01 passed
    And SEQ_MODEL_DISCOVERY_002_TC01 is unsupported
