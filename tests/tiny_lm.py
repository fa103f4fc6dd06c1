"""Small language models: over words that the letters A and B spell, and over the letters."""

ARPA = """\\data\\
ngram 1=6
ngram 2=5
ngram 3=2

\\1-grams:
-1.5\t<unk>
0\t<s>\t-0.3
-0.8\t</s>
-0.6\tA\t-0.2
-0.9\tAB\t-0.4
-1.1\tBA\t-0.1

\\2-grams:
-0.4\t<s> A\t-0.1
-1.2\t<s> BA
-0.5\tA BA\t-0.2
-0.3\tAB </s>
-0.7\tBA A

\\3-grams:
-0.2\t<s> A BA
-0.1\tA BA A

\\end\\
"""

LETTERS = """\\data\\
ngram 1=6
ngram 2=4

\\1-grams:
-2.5\t<unk>
0\t<s>\t-0.3
-1.0\t</s>
-0.5\tA\t-0.2
-0.6\tB\t-0.4
-0.8\t|\t-0.1

\\2-grams:
-0.4\t<s> A
-0.3\tA B
-0.9\tB |
-0.2\tB </s>

\\end\\
"""
