# category: benign
# wasm: passed
# local: passed
# prints: 0.3 1/3 0.333333333333333333333333333333
from decimal import Decimal, getcontext
from fractions import Fraction
getcontext().prec = 30
print(Decimal("0.1") + Decimal("0.2"), Fraction(1, 3), Decimal(1) / 3)
