Feature: The scenarios themselves are put to the test
  A scenario that cannot fail shows nothing. Each defect of the reference gateway must be noticed, by the right scenarios.

  Scenario: The scenarios notice a defect
    When I run "plumbline prove SEQ_AUTH_SCOPE_* --defect scope-not-enforced"
    Then the exit code is 0
    And it prints "✓ scope-not-enforced"
    And it prints "proved: 1 defect caught"

  Scenario: Scenarios that overlook a defect are found out
    Given the file "scenarios/own.yaml":
      """
      contract: gsai
      scenarios:
        - id: OWN_CHAT
          title: A chat request is answered, whatever the answer says
          requires: [chat]
          steps:
            - name: chat
              call: POST /api/v1/chat/completions
              as: all_scopes
              json: { model: "{{ models.chat }}", messages: [{ role: user, content: Hello }] }
              expect: { status: 200, verifies: chat.shape }
      """
    When I run "plumbline prove --scenarios scenarios --defect empty-answer"
    Then the exit code is 1
    And it prints "✗ empty-answer  chat.content-present survives"

  Scenario: Of a catalogue only that counts which passes and can fail
    Given the file "scenarios/gsai/contract.yaml":
      """
      contract: gsai
      version: "1"
      title: A contract of one requirement
      roles: [{ name: all_scopes, text: A key }]
      models: [{ name: chat, text: A chat model }]
      capabilities: [{ name: chat, text: Chats }]
      requirements:
        - { id: chat.model-echoed, level: MUST, text: The answer names the model, source: our agreement }
      """
    And the file "scenarios/gsai/ids.csv":
      """
      id,title
      OWN_CHAT,A chat answer names its model
      OWN_STREAM,A streamed answer names its model
      """
    And the file "scenarios/gsai/chat.yaml":
      """
      contract: gsai
      scenarios:
        - id: OWN_CHAT
          title: A chat answer names its model
          requires: [chat]
          steps:
            - name: chat
              call: POST /api/v1/chat/completions
              as: all_scopes
              json: { model: "{{ models.chat }}", messages: [{ role: user, content: Hello }] }
              expect:
                status: 200
                verifies: chat.model-echoed
                body:
                  - { at: $.model, equals: "{{ models.chat }}" }
      """
    When I run "plumbline coverage --scenarios scenarios"
    Then the exit code is 1
    And it prints "OWN_STREAM  A streamed answer names its model"
    And it prints "no scenario covers it"
    And it prints "gsai: 1 of 2 catalogue ids"
