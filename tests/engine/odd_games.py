"""Games as sites and editors write them, off the standard. python-chess reads each to the end."""

# ruff: noqa: RUF001

TAGS = '[Event "Live Chess"]\n[White "userA"]\n[Black "userB"]\n[Result "1-0"]\n\n'

MOVETEXTS: dict[str, str] = {
    "signs of editors": "1. e4 ± d5 2. exd5 Qxd5 3. Nc3 Qa5? ∓ {MISTAKE} ({(+1.06) best} 3... Qd8)"
    " 4. Nf3□ Nf6?!± 1-0",
    "signs of encyclopedias": "1. e4 ⩲ e5 2. Nf3 +− Nc6 ∞ 3. Bb5⟳ a6 △ 4. Ba4 ⇆ Nf6↑ 1-0",
    "signs in ASCII, apart": "1. e4 +- e5 = 2. Nf3 -+ Nc6 +/- 3. Bb5 += a6 =+ 4. Ba4 ~ Nf6 <= 1-0",
    "signs in ASCII, glued": "1. e4+- e5= 2. Nf3-+ Nc6+/- 3. Bb5+/= a6=/+ 1-0",
    "spaces that do not break": "1.\u00a0e4 e5\u00a02.\u202fNf3\u200b Nc6 1-0",
    "an ellipsis": "1. e4 1… e5 2. Nf3 {then} 2…Nc6 1-0",
    "a byte order mark within": "1. e4 e5 \ufeff2. Nf3 1-0",
    "exclamations": "1. e4!? e5 ?! 2. Nf3!! Nc6 ?? 3. Bb5 ! 1-0",
    "novelties and diagrams": "1. e4 N e5 D 2. Nf3 TN 1-0",
    "offers of a draw": "1. e4 (=) e5 2. Nf3 1-0",
    "evaluations without braces": "1. e4 +0.35/20 e5 -0.1/18 2. Nf3 1-0",
    "commas": "1. e4, e5, 2. Nf3 1-0",
    "castling with zeros": "1. e4 e5 2. Nf3 Nc6 3. Bb5 Nf6 4. 0-0 Be7 1-0",
    "promotions": "1. a4 h5 2. a5 h4 3. a6 h3 4. axb7 hxg2 5. bxa8Q gxh1=n 1-0",
    "en passant apart": "1. e4 a6 2. e5 d5 3. exd6 e.p. a5 1-0",
    "en passant glued": "1. e4 a6 2. e5 d5 3. exd6e.p. a5 1-0",
    "en passant apart, with a sign": "1. e4 a6 2. e5 d5 3. exd6 e.p.! a5 1-0",
    "a check apart": "1. e4 f5 2. Qh5 + g6 1-0",
    "a check in words": "1. e4 f5 2. Qh5 ch g6 1-0",
    "a pawn named": "1. Pe4 e5 2. Nf3 1-0",
    "long notation": "1. e2-e4 e7-e5 2. Ng1-f3 Nb8-c6 1-0",
    "dots apart": "1 . e4 1. ... e5 2.. Nf3 1-0",
    "form feeds": "1. e4\x0ce5 2. Nf3 1-0",
    "no result": "1. e4 e5 2. Nf3",
    "an unknown result": "1. e4 e5 2. Nf3 *",
    "a result with a colon": "1. e4 e5 1:0",
    "a result with a dash of typesetters": "1. e4 e5 1–0",
}

# What python-chess reads as another game, or not at all, and no doubt is left.
TYPESET: dict[str, str] = {
    "e2e4 e7e5 g1f3 b8c6": "1. e4 e5 2. ♘f3 ♞c6",
    "e2e4 e7e5 g1f3 b8c6 f1b5": "1. e2–e4 e7—e5 2. Ng1‑f3 Nb8−c6 3. ♗\ufe0ff1-b5",
    "e2e4 d7d5 e4d5": "1. e4 d5 2. e×d5",
    "e2e4 f7f5 d1h5": "1. e4 f5 2. ♕h5†",
    "e2e4 e7e5 g1f3 b8c6 f1b5 g8f6 e1g1": "1. e4 e5 2. Nf3 Nc6 3. Bb5 Nf6 4. O–O",
    "g2g3 g7g6 f1g2 f8g7 g1f3 g8f6 e1g1": "1. g3 g6 2. Bg2 Bg7 3. Nf3 Nf6 4. o-o",
    "f2f3 e7e5 g2g4 d8h4": "1. f3 e5 2. g4 Qh4#0-1",
    "a2a4 h7h5 a4a5 h5h4 a5a6 h4h3 a6b7 h3g2 b7a8q g2h1n": (
        "1. a4 h5 2. a5 h4 3. a6 h3 4. axb7 hxg2 5. bxa8(Q) gxh1/N"
    ),
}
