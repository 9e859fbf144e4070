"""Which tests depend on a changed file."""

from tools.affected import affected_tests


def test_template_affects_its_own_tests_and_none_of_the_service_that_is_a_template() -> None:
    found = affected_tests({"template.yaml"})
    assert "tests/test_template.py" in found
    assert all(path.startswith("tests/") for path in found)


def test_module_affects_the_tests_that_import_it_by_way_of_others() -> None:
    assert "tests/orders/test_saga.py" in affected_tests({"layers/shared/shared/money.py"})
    passwords = "tests/users/accounts/test_passwords.py"
    assert passwords not in affected_tests({"functions/orders/saga.py"})
