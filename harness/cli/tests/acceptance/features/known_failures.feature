Feature: Known failures neither stop a build nor outlive their cause

  Background:
    Given the file "expected.yaml":
      """
      # What we know of.
      expected:
        - cases: SEQ_MODEL_DISCOVERY_001_TC01
          reason: Since the new release chat answers name another model
      """

  Scenario: A known failure is excused and shown
    Given a gateway with the defect wrong-model-echoed
    When I run "plumbline run SEQ_MODEL_DISCOVERY_001_TC01 --expect expected.yaml"
    Then the exit code is 0
    And only SEQ_MODEL_DISCOVERY_001_TC01 failed
    And it prints "✓ as expected"
    And it prints "Since the new release chat answers name another model"

  Scenario: Another failure is not excused
    Given a gateway with the defect wrong-model-echoed
    When I run "plumbline run SEQ_MODEL_DISCOVERY_* --expect expected.yaml"
    Then the exit code is 1
    And it prints "✗ not conformant"

  Scenario: A known failure that passes is stale
    Given a sound gateway
    When I run "plumbline run SEQ_MODEL_DISCOVERY_001_TC01 --expect expected.yaml"
    Then the exit code is 6
    And it prints "SEQ_MODEL_DISCOVERY_001_TC01  passes now"

  Scenario: A pattern that matches nothing is a mistake
    Given the file "expected.yaml":
      """
      expected:
        - cases: SEQ_MODEL_DISCOVERY_001_TC1
          reason: Since the new release chat answers name another model
      """
    When I run "plumbline run SEQ_MODEL_DISCOVERY_* --expect expected.yaml"
    Then the exit code is 3
    And it complains of "expected.yaml:2:12"
    And it complains of "`SEQ_MODEL_DISCOVERY_001_TC1` matches no case of the suite"

  Scenario: The list is kept up to date from the record of a run
    Given a gateway with the defect wrong-model-echoed
    When I run "plumbline run SEQ_MODEL_DISCOVERY_* --expect expected.yaml"
    And I run "plumbline expect update expected.yaml --reason 'So do embeddings'"
    Then the exit code is 0
    And the file "expected.yaml" is now:
      """
      # What we know of.
      expected:
        - cases: SEQ_MODEL_DISCOVERY_001_TC01
          reason: Since the new release chat answers name another model
        - cases: "SEQ_MODEL_DISCOVERY_002_TC01"
          reason: "So do embeddings"
      """
    When I run "plumbline run SEQ_MODEL_DISCOVERY_* --expect expected.yaml"
    Then the exit code is 0
    When the gateway is repaired
    And I run "plumbline run SEQ_MODEL_DISCOVERY_* --expect expected.yaml"
    Then the exit code is 6
    When I run "plumbline expect update expected.yaml"
    Then the exit code is 0
    And the file "expected.yaml" is now:
      """
      # What we know of.
      expected:
      """
    When I run "plumbline run SEQ_MODEL_DISCOVERY_* --expect expected.yaml"
    Then the exit code is 0
