"""How API tests ask: a list as its items, all pages of one, and a refusal as what it says."""


def items(api, path, **params):
    """Give one page's items."""
    answer = api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def pages(api, path, **params):
    """Give the pages of a list, one after the other."""
    while True:
        answer = api.get(path, params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield page["items"]
        if page["next_cursor"] is None:
            return
        params["cursor"] = page["next_cursor"]


def refusal(answer):
    """Give a problem's status and what it says."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["detail"]
