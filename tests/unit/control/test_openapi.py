from hooklane.adapters.problems import STATUS
from hooklane.control.openapi import problem_answers


def test_every_refusal_that_control_makes_is_described():
    """With an example of its own status; what only the publisher answers is left out."""
    found = problem_answers()
    statuses = {status for _, status, _ in STATUS} - {408}
    assert statuses == set(found)
    for status, answer in found.items():
        (content,) = answer["content"].values()
        assert content["example"]["status"] == status
