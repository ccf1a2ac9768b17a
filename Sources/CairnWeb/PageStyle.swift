/// The one style sheet. Colours are named by what they mean and given twice, for light and dark; both pass 4.5:1 on
/// their ground, and no meaning rests on colour alone. The source cluster is always the warm line, the target the cool
/// one (and dashed or solid, so that the pair survives a grey printer).
enum PageStyle {
    static let sheet: StaticString = """

        :root { --ground: #fff; --panel: #f6f7f9; --line: #d5dae1; --grid: #e6e9ee; --text: #16202c; --faint: #566375;
          --source: #a3480a; --target: #0a58b0; --signal: #6b3fa0; --reference: #566375; --band: #0a58b022;
          --info: #44546a; --success: #17693a; --warning: #8a5200; --critical: #b3152b;
          --info-ground: #e9edf2; --success-ground: #dff3e6; --warning-ground: #fdf0d6; --critical-ground: #fde5e8; }
        @media (prefers-color-scheme: dark) { :root { --ground: #10151c; --panel: #171e27; --line: #333f4d;
          --grid: #26303b; --text: #e6ebf1; --faint: #9dabbb; --source: #f2a25c; --target: #6fb4ff; --signal: #c3a1f0;
          --reference: #9dabbb; --band: #6fb4ff2b; --info: #b4c1d0; --success: #74d69b; --warning: #f2bd62;
          --critical: #ff8c98; --info-ground: #26303c; --success-ground: #143323; --warning-ground: #3a2c10;
          --critical-ground: #42181f; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
        main { max-width: 1200px; margin: 0 auto; padding: 24px 20px 64px; }
        h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
        h2 { font-size: 19px; margin: 36px 0 10px; }
        h3 { font-size: 16px; margin: 0 0 6px; }
        p { margin: 6px 0; max-width: 80ch; }
        .note { color: var(--faint); font-size: 13px; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; }
        th, td { text-align: left; vertical-align: top; padding: 6px 10px; border-bottom: 1px solid var(--line); }
        th { color: var(--faint); font-weight: 600; font-size: 12px; white-space: nowrap; }
        .number { text-align: right; font-variant-numeric: tabular-nums; }
        @media print { body { font-size: 10pt; } main { max-width: none; padding: 0; } tr { break-inside: avoid; } }

        """
}
