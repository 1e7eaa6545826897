Feature: A build server learns from the exit code what happened
  Conformant is 0 and not conformant is 1. Everything else says that little or nothing is known of the gateway.

  Scenario: The command line is wrong
    When I run "plumbline run --frobnicate"
    Then the exit code is 2
    And it complains of "--frobnicate"

  Scenario: A scenario has a mistake
    Given the file "scenarios/own.yaml":
      """
      contract: gsai
      scenarios:
        - id: OWN_LISTING
          title: The models are listed
          steps:
            - name: list
              call: GET /api/v1/models
              as: all_scope
              expect: { status: 200, verifies: models.any-valid-key }
      """
    When I run "plumbline run --scenarios scenarios"
    Then the exit code is 3
    And it complains of "own.yaml:8:13"
    And it complains of "`all_scopes`"

  Scenario: The gateway cannot be reached
    Given an address where nothing listens
    When I run "plumbline run"
    Then the exit code is 4
    And it complains of "failed to reach 127.0.0.1"

  Scenario: Nothing was selected
    Given a sound gateway
    When I run "plumbline run NO_SUCH_SCENARIO"
    Then the exit code is 5
    And it prints "nothing was checked"
