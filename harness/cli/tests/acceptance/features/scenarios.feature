Feature: Scenarios are data that people write and read

  Scenario: The scenarios that are shipped have no mistakes
    When I run "plumbline lint"
    Then the exit code is 0
    And it prints "no mistakes"

  Scenario: A mistake is told with its place and how to mend it
    Given the file "scenarios/own.yaml":
      """
      contract: gsai
      scenarios:
        - id: OWN_LISTING
          title: The models are listed
          steps:
            - name: list
              call: GET /api/v1/models
              as: all_scopes
              expect:
                status: 200
                body: [{ at: $, is: arry, verifies: models.array }]
      """
    When I run "plumbline lint scenarios"
    Then the exit code is 3
    And it prints "own.yaml:11:31"
    And it prints "`array`"
    And it prints "1 mistake in 1 file"

  Scenario: The scenarios can be listed
    When I run "plumbline list SEQ_BILLING_*"
    Then the exit code is 0
    And it prints "SEQ_BILLING_001_TC01"
    And it prints "Three successful calls cause three billing events that match them"
    And it does not print "SEQ_AUTH_SCOPE_001_TC01"

  Scenario Outline: <what> is explained in words
    When I run "plumbline explain <id>"
    Then the exit code is 0
    And it prints "<words>"

    Examples:
      | what          | id                           | words                                                       |
      | A scenario    | SEQ_MODEL_DISCOVERY_001_TC01 | A chat model found in the listing answers a chat completion |
      | A requirement | chat.model-echoed            | requirement of gsai, MUST                                   |
      | A defect      | wrong-model-echoed           | an answer names another model than the one asked for        |

  Scenario: A feature runs as a YAML file does
    Given a gateway with the defect wrong-model-echoed
    And the file "scenarios/own.yaml":
      """
      contract: gsai
      scenarios:
        - id: OWN_YAML
          title: A chat answer names its model
          requires: [chat]
          steps:
            - name: chat
              call: POST /api/v1/chat/completions
              as: all_scopes
              json: { model: "{{ models.chat }}", messages: [{ role: user, content: Hello }] }
              expect:
                status: 200
                body:
                  - { at: $.model, equals: "{{ models.chat }}", verifies: chat.model-echoed }
      """
    And the file "scenarios/own.feature":
      """
      @contract:gsai
      Feature: Chat

        @requires:chat
        Scenario: OWN_GHERKIN A chat answer names its model
          When chat calls POST /api/v1/chat/completions as all_scopes
          And the request has the JSON body { model: "{{ models.chat }}", messages: [{ role: user, content: Hello }] }
          Then the status is 200
          And the body satisfies these checks
            | at      | equals            | verifies          |
            | $.model | {{ models.chat }} | chat.model-echoed |
      """
    When I run "plumbline run --scenarios scenarios"
    Then the exit code is 1
    And only OWN_GHERKIN, OWN_YAML failed
    And it prints "own.feature:11"
    When the gateway is repaired
    And I run "plumbline run --scenarios scenarios"
    Then the exit code is 0
    And every case passed
