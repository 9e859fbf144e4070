"""Least privilege: functions that ask for more than their policies allow."""

from typing import Final

from tools.mutants.mutant import Mutant

_POLICIES: Final = ("tests/privileges/test_least_privilege.py",)

MUTANTS: Final = (
    Mutant(
        "the directory reads whole accounts, hashes of passwords and all",
        "functions/users/repository/accounts.py",
        "self._table.get(_user_key(user_id), only=tuple(Customer.model_fields))",
        "self._table.get(_user_key(user_id))",
        _POLICIES,
    ),
    Mutant(
        "who publishes an event is shown its item",
        "layers/shared/shared/storage/dynamodb.py",
        'shown="NONE", **wire)',
        "**wire)",
        _POLICIES,
    ),
    Mutant(
        "the directory tells more than a customer is",
        "layers/shared/shared/contracts/directory.py",
        "    is_active: bool\n",
        '    is_active: bool\n    role: str = ""\n',
        _POLICIES,
    ),
)
