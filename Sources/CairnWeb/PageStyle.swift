/// The one style sheet. Colours are named by what they mean and given twice, for light and dark; both pass 4.5:1 on
/// their ground, and no meaning rests on colour alone. The source cluster is always the warm, dashed line and the
/// target the cool, solid one, so that the pair survives a grey printer.
enum PageStyle {
    static let sheet: StaticString = """

        :root { color-scheme: light dark; --ground: #fff; --panel: #f6f7f9; --line: #d5dae1; --grid: #e3e7ec;
          --text: #16202c; --faint: #566375; --link: #0a58b0; --source: #b0500c; --target: #0a58b0; --signal: #6b3fa0;
          --reference: #566375; --band: #0a58b01f; --source-area: #f1c9a5; --target-area: #9cc6f5; --bar: #5b6b7e;
          --info: #44546a; --success: #17693a; --warning: #8a5200; --critical: #b3152b; --info-ground: #e9edf2;
          --success-ground: #dff3e6; --warning-ground: #fdf0d6; --critical-ground: #fde5e8; --window: 0.16; }
        @media screen and (prefers-color-scheme: dark) { :root { --ground: #10151c; --panel: #171e27; --line: #333f4d;
          --grid: #26303b; --text: #e6ebf1; --faint: #9dabbb; --link: #7fbcff; --source: #f2a25c; --target: #6fb4ff;
          --signal: #c3a1f0; --reference: #9dabbb; --band: #6fb4ff2b; --source-area: #6b4423; --target-area: #24507f;
          --bar: #76889c; --info: #b4c1d0; --success: #74d69b; --warning: #f2bd62; --critical: #ff8c98;
          --info-ground: #26303c; --success-ground: #143323; --warning-ground: #3a2c10; --critical-ground: #42181f;
          --window: 0.26; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--ground); color: var(--text);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        main { max-width: 1200px; margin: 0 auto; padding: 28px 24px 64px; }
        h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; text-wrap: balance; }
        h2 { font-size: 20px; margin: 40px 0 10px; }
        h3 { font-size: 16px; line-height: 1.35; margin: 0 0 6px; }
        h3.day { margin: 20px 0 2px; }
        @media screen { .lines ~ .lines thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } }
        p { margin: 6px 0; max-width: 88ch; } p.scope { max-width: none; }
        a { color: var(--link); text-underline-offset: 2px; }
        :focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
        code { font: 13px/1.4 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
        .scope, .note, .late, footer { color: var(--faint); font-size: 13px; }
        nav { display: flex; flex-wrap: wrap; gap: 2px 16px; margin-top: 4px; font-size: 13px; }
        .cluster { font-weight: 600; } .cluster.source { color: var(--source); } .cluster.target { color: var(--target); }
        .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        .summary { margin: 18px 0 8px; padding: 14px 18px; background: var(--panel); border: 1px solid var(--line);
          border-left: 5px solid var(--info); border-radius: 6px; }
        .summary.success { border-left-color: var(--success); } .summary.warning { border-left-color: var(--warning); }
        .summary.critical { border-left-color: var(--critical); }
        dl { margin: 0; } dl div { display: grid; grid-template-columns: 130px 1fr; gap: 2px 14px; padding: 3px 0; }
        dt { color: var(--faint); } dd { margin: 0; max-width: 88ch; overflow-wrap: anywhere; }
        .summary div:first-child dd { font-weight: 600; }
        .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 6px 24px; margin: 10px 0; }
        .facts div { display: block; padding: 0; } .facts dt { font-size: 12px; }
        .finding { margin: 14px 0 22px; padding: 14px 18px; border: 1px solid var(--line); border-radius: 6px;
          border-left: 5px solid var(--info); }
        .finding.warning { border-left-color: var(--warning); } .finding.critical { border-left-color: var(--critical); }
        .pill { display: inline-block; padding: 0 7px; margin-right: 6px; border-radius: 9px; font-size: 12px; line-height: 18px;
          color: var(--info); background: var(--info-ground); white-space: nowrap; }
        .pill.success { color: var(--success); background: var(--success-ground); }
        .pill.warning { color: var(--warning); background: var(--warning-ground); }
        .pill.critical { color: var(--critical); background: var(--critical-ground); font-weight: 600; }
        figure { margin: 14px 0; } .overview { margin-top: 22px; }
        figcaption { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; font-size: 14px; }
        .axis { color: var(--faint); font-size: 13px; }
        .legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0 0 0 auto; padding: 0; list-style: none;
          font-size: 13px; color: var(--faint); }
        .legend li { display: flex; gap: 6px; align-items: center; overflow-wrap: anywhere; } .legend svg { flex: none; }
        .picture { display: block; width: 100%; height: auto; margin-top: 6px; } .picture.medium, .picture.narrow { display: none; }
        @media screen and (min-width: 561px) and (max-width: 1000px) { .picture.wide { display: none; } .picture.medium { display: block; } }
        svg text { fill: var(--text); font-size: 12px; font-family: inherit; } svg .name { font-size: 13px; }
        svg .tick { fill: var(--faint); font-size: 12px; } svg .tick.critical { fill: var(--critical); font-weight: 600; }
        svg .tick.warning { fill: var(--warning); font-weight: 600; }
        svg .halo { paint-order: stroke; stroke: var(--ground); stroke-width: 4px; }
        .grid { stroke: var(--grid); stroke-width: 1; } .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
        .line.source { stroke: var(--source); stroke-dasharray: 6 2.5; } .line.target { stroke: var(--target); }
        .line.signal { stroke: var(--signal); } .line.reference { stroke: var(--reference); stroke-dasharray: 2 3; }
        .dot.source { fill: var(--source); } .dot.target { fill: var(--target); } .dot.signal { fill: var(--signal); }
        .dot.reference { fill: var(--reference); } .band { fill: var(--band); }
        .level { stroke: var(--faint); stroke-dasharray: 1 4; } .mark { stroke: var(--faint); stroke-dasharray: 3 3; }
        .window { fill: var(--info); fill-opacity: var(--window); } .window.warning { fill: var(--warning); }
        .window.critical { fill: var(--critical); } .window.success { fill: var(--success); }
        .gap { fill: var(--ground); fill-opacity: 0.82; stroke: var(--line); stroke-dasharray: 2 2; }
        .edge { stroke: var(--info); } .edge.warning { stroke: var(--warning); stroke-dasharray: 4 2; }
        .edge.critical { stroke: var(--critical); } .bar { fill: var(--bar); } .bar.running { fill: var(--target); }
        .bar.failed { fill: var(--critical); } .bar.reverted { fill: var(--warning); }
        .bar.planned { fill: none; stroke: var(--bar); stroke-dasharray: 3 2; }
        .share.source { fill: var(--source-area); } .share.target { fill: var(--target-area); }
        .numbers { font-size: 13px; } .numbers table { width: auto; margin: 6px 0; } summary { cursor: pointer; }
        .numbers summary { color: var(--faint); }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; }
        th, td { text-align: left; vertical-align: top; padding: 5px 10px; border-bottom: 1px solid var(--line);
          overflow-wrap: anywhere; }
        th { color: var(--faint); font-weight: 600; font-size: 12px; white-space: nowrap; }
        .number { text-align: right; font-variant-numeric: tabular-nums; }
        .rows td { overflow-wrap: normal; } .numbers th, .numbers td { padding: 1px 14px 1px 0; }
        .lines { table-layout: fixed; } .time-column { width: 122px; } .actor-column { width: 150px; }
        .evidence-column { width: 32%; } .position-column { width: 84px; }
        .time { white-space: nowrap; font-variant-numeric: tabular-nums; } .zone { color: var(--faint); }
        .lines .evidence { color: var(--faint); }
        tr.warning td:first-child { box-shadow: inset 3px 0 var(--warning); }
        tr.critical td:first-child { box-shadow: inset 3px 0 var(--critical); }
        tr.turning td { background: var(--panel); } tr.turning.critical td { background: var(--critical-ground); }
        tr.turning.success td { background: var(--success-ground); } tr.turning.warning td { background: var(--warning-ground); }
        .marker { display: block; letter-spacing: 0.03em; }
        tr:target td, li:target { background: var(--info-ground); }
        .run { margin: 6px 0; padding-left: 4px; list-style: none; font-size: 13px; }
        footer { margin-top: 36px; padding-top: 10px; border-top: 1px solid var(--line); }
        @media screen and (max-width: 700px) {
          main { padding: 16px 14px 48px; } h1 { font-size: 22px; } .legend { margin-left: 0; }
          .summary, .finding { padding: 10px 12px; } dl div { grid-template-columns: 1fr; padding: 4px 0; }
          dt { font-size: 12px; } .facts { grid-template-columns: 1fr 1fr; }
          .lines thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
          .lines, .lines tbody { display: block; } .lines tr { display: grid; grid-template-columns: 1fr auto;
            gap: 0 12px; padding: 7px 0 7px 8px; border-bottom: 1px solid var(--line); }
          .lines td { padding: 0; border: 0; } .lines .time { grid-row: 1; } .lines .position { grid-row: 1; grid-column: 2; }
          .lines .action, .lines .evidence { grid-column: 1 / -1; } .lines .actor { grid-column: 1 / -1; color: var(--faint);
            font-size: 13px; } .lines .action { grid-row: 2; } .lines .evidence { font-size: 13px; }
          tr.warning td:first-child, tr.critical td:first-child { box-shadow: none; }
          tr.warning { box-shadow: inset 3px 0 var(--warning); } tr.critical { box-shadow: inset 3px 0 var(--critical); }
          tr.turning.critical { background: var(--critical-ground); } tr.turning.success { background: var(--success-ground); }
          tr.turning.warning { background: var(--warning-ground); } tr.turning td { background: none !important; }
        }
        @media screen and (max-width: 560px) { .picture.wide, .picture.medium { display: none; } .picture.narrow { display: block; } }
        @media print {
          .picture.wide { display: none; } .picture.medium { display: block; } .time-column { width: 92px; }
          .actor-column { width: 108px; } .evidence-column { width: 28%; } .position-column { width: 68px; }
          th, td { padding: 3px 8px; } .run, .late, .scope, .note { font-size: 8.5pt; } .legend, .axis { font-size: 8.5pt; }
          @page { margin: 14mm; } body { font-size: 10pt; } main { max-width: none; padding: 0; } table { font-size: 9pt; }
          a { color: inherit; text-decoration: none; } .numbers, nav { display: none; } h2, h3 { break-after: avoid; }
          tr, figure, .summary { break-inside: avoid; } * { print-color-adjust: exact; }
          details::details-content { content-visibility: visible; block-size: auto; }
        }

        """
}
