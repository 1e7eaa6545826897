Feature: What a run found can be read by machines and read again

  Scenario: A run leaves a JUnit file and a record from which it can be made again
    Given a gateway with the defect wrong-model-echoed
    When I run "plumbline run SEQ_MODEL_DISCOVERY_*"
    Then the exit code is 1
    And the file "target/plumbline/junit.xml" contains 'name="SEQ_MODEL_DISCOVERY_001_TC01[billing]"'
    And the file "target/plumbline/junit.xml" contains "<failure"
    When I run "plumbline report target/plumbline/run.jsonl --junit again.xml"
    Then the exit code is 1
    And the files "target/plumbline/junit.xml" and "again.xml" are the same
