/// The style sheet of the server's pages: that of the stand-alone documents, and what only a site has. Colours, charts,
/// tables and print are said once, in `PageStyle`.
package enum SiteStyle {
    package static let css: [UInt8] = Array("\(PageStyle.sheet)\(SiteStyle.sheet)".utf8)

    private static let sheet: StaticString = """

        :root { --raised: #fff; --hover: #eef2f7; --ring: #0a58b0; }
        @media screen and (prefers-color-scheme: dark) { :root { --raised: #1b232d; --hover: #202a35; --ring: #7fbcff; } }
        html { scroll-padding-top: 64px; }
        main { max-width: 1280px; padding: 22px 24px 40px; }
        main:focus { outline: none; }
        :focus-visible { outline: 2px solid var(--ring); outline-offset: 2px; border-radius: 3px; }
        .skip { position: absolute; left: 8px; top: -60px; z-index: 3; padding: 8px 14px; background: var(--raised);
          border: 1px solid var(--line); border-radius: 6px; } .skip:focus { top: 8px; }
        .masthead { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; align-items: center; gap: 4px 22px;
          padding: 0 24px; min-height: 48px; background: var(--ground); border-bottom: 1px solid var(--line); }
        .brand { display: inline-flex; gap: 8px; align-items: center; font-weight: 650; font-size: 15px; color: var(--text);
          text-decoration: none; } .brand svg { fill: var(--link); }
        .masthead nav { flex-wrap: nowrap; gap: 2px; margin: 0; font-size: 14px; overflow-x: auto; }
        .masthead nav a { padding: 5px 10px; border-radius: 6px; color: var(--faint); text-decoration: none; }
        .masthead nav a:hover { background: var(--hover); color: var(--text); }
        .masthead nav a[aria-current] { color: var(--text); background: var(--panel); box-shadow: inset 0 0 0 1px var(--line); }
        .session { display: flex; gap: 4px 14px; align-items: center; margin-left: auto; font-size: 13px; color: var(--faint); }
        .session form { display: inline; } .viewer { max-width: 22ch; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
        .freshness { margin: 0; font-variant-numeric: tabular-nums; white-space: nowrap; }
        .freshness[data-state]::before { content: "●"; margin-right: 5px; font-size: 10px; vertical-align: 1px; color: var(--faint); }
        .freshness[data-state="live"]::before { color: var(--success); }
        .freshness[data-state="lost"] { color: var(--warning); } .freshness[data-state="lost"]::before { content: "○"; color: inherit; }
        h1 { font-size: 22px; letter-spacing: -0.01em; font-weight: 650; margin-bottom: 6px; overflow-wrap: anywhere; }
        h2 { font-size: 15px; margin: 30px 0 10px; padding: 0; border: 0; font-weight: 650; } h2 + .filter { margin-top: 0; }
        h2 .count { color: var(--faint); font-weight: 400; margin-left: 4px; font-variant-numeric: tabular-nums; }
        h3 { font-size: 14px; font-weight: 400; }
        .foot { max-width: 1280px; margin: 0 auto; padding: 12px 24px 28px; }
        .crumbs { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; margin: 0 0 8px; font-size: 13px; color: var(--faint); }
        .actions { display: flex; flex-wrap: wrap; gap: 6px; margin: 10px 0 0; padding: 0; list-style: none; font-size: 13px; }
        .actions a { display: inline-block; padding: 3px 10px; border: 1px solid var(--line); border-radius: 6px; text-decoration: none; }
        .actions a:hover { background: var(--hover); }
        .tiles { display: flex; flex-wrap: wrap; gap: 1px; margin: 14px 0 0;
          border: 1px solid var(--line); border-radius: 8px; overflow: hidden; background: var(--line); }
        .tiles .tile { display: block; flex: 1 1 150px; padding: 10px 14px 11px; background: var(--ground); box-shadow: inset 0 2px var(--ground); }
        .tile.warning { box-shadow: inset 0 2px var(--warning); } .tile.critical { box-shadow: inset 0 2px var(--critical); }
        .tile dt { font-size: 12px; } .tile dd { display: block; }
        .tile .value { font-size: 22px; line-height: 1.25; font-weight: 600; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
        .tile .detail { display: block; color: var(--faint); font-size: 12px; }
        .tile.critical .value { color: var(--critical); } .tile.warning .value { color: var(--warning); }
        .entry { color: var(--faint); font: 12px/1.4 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace;
          text-decoration: none; white-space: nowrap; }
        .entry:hover { color: var(--link); text-decoration: underline; }
        .under { display: block; color: var(--faint); font-size: 12px; line-height: 1.45; overflow-wrap: anywhere; }
        .under .cluster { font-weight: 400; } .title { font-weight: 600; color: var(--text); text-decoration: none; }
        .title:hover { color: var(--link); text-decoration: underline; }
        .open-findings { color: var(--critical); font-weight: 600; white-space: nowrap; }
        .waiting { margin: 0 0 8px; padding: 10px 14px; border: 1px solid var(--line); border-left: 4px solid var(--warning);
          border-radius: 8px; background: var(--raised); }
        .waiting h3 { margin: 0; } .waiting p { margin: 2px 0 0; } .sign { color: var(--warning); }
        form.decide { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 8px; } form.decide input { flex: 1 1 240px; }
        .filter { display: flex; flex-wrap: wrap; gap: 8px 10px; align-items: end; margin: 14px 0 10px; font-size: 13px; }
        .filter label span { display: block; color: var(--faint); font-size: 12px; }
        input, select, textarea, button { font: inherit; color: inherit; }
        input, select, textarea { min-height: 32px; padding: 3px 9px; background: var(--ground); border: 1px solid var(--line);
          border-radius: 6px; max-width: 100%; }
        button { min-height: 32px; padding: 3px 14px; background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
          cursor: pointer; } button:hover { background: var(--hover); }
        button.main, button.good { background: var(--link); border-color: var(--link); color: var(--ground); font-weight: 600; }
        button.bad { color: var(--critical); } button.main:hover, button.good:hover { filter: brightness(1.1); }
        button.plain { min-height: 0; padding: 0; background: none; border: 0; color: var(--link); }
        form.stack { display: grid; gap: 6px; max-width: 420px; } form.stack button { justify-self: start; margin-top: 6px; }
        .narrow-page { max-width: 620px; margin: 6vh auto 0; } .status-code { margin: 0; color: var(--faint); font-variant-numeric: tabular-nums; }
        .message { padding: 8px 12px; border-radius: 6px; background: var(--info-ground); }
        .message.critical { background: var(--critical-ground); color: var(--critical); }
        .empty { padding: 14px 16px; border: 1px dashed var(--line); border-radius: 8px; color: var(--faint); }
        .empty p { margin: 0; } .empty .command { color: var(--text); }
        .command { margin: 8px 0; padding: 10px 12px; overflow-x: auto; max-height: 460px; background: var(--panel); border: 1px solid var(--line);
          border-radius: 6px; font-size: 13px; } .command code { overflow-wrap: normal; white-space: pre; }
        .lead { font-size: 17px; font-weight: 600; margin: 0; overflow-wrap: anywhere; } .summary .scope { margin: 4px 0 0; }
        .cards th[scope="row"] { color: inherit; font-size: inherit; font-weight: 400; white-space: normal; }
        .cards thead th { background: var(--ground); } .cards thead a { color: inherit; text-decoration: none; }
        .cards thead a:hover { color: var(--link); text-decoration: underline; } .cards tbody tr:hover > * { background: var(--panel); }
        .cards th, .cards td { padding: 7px 12px 7px 0; } .cards tr > :first-child { padding-left: 8px; }
        .cards .number { white-space: nowrap; padding-left: 8px; padding-right: 22px; } .cards .number:last-child { padding-right: 8px; }
        .cards tr.critical > th { box-shadow: inset 3px 0 var(--critical); } .cards tr.warning > th { box-shadow: inset 3px 0 var(--warning); }
        .phases { display: flex; gap: 2px; margin: 2px 0 3px; padding: 0; list-style: none; min-width: 150px; max-width: 260px; }
        .phases li { flex: 1 1 0; min-width: 14px; height: 16px; font-size: 10px; line-height: 16px; text-align: center; overflow: hidden;
          background: var(--panel); color: var(--faint); box-shadow: inset 0 0 0 1px var(--line); position: relative; }
        .phases li:first-child { border-radius: 4px 0 0 4px; } .phases li:last-child { border-radius: 0 4px 4px 0; }
        .phases .done { background: var(--success-ground); color: var(--success); box-shadow: none; }
        .phases .now { background: var(--link); color: var(--ground); box-shadow: none; }
        .phases .broken { background: var(--critical); color: var(--ground); box-shadow: none; }
        .phases .back { background: var(--warning-ground); color: var(--warning); box-shadow: inset 0 0 0 1px var(--warning); }
        .heat { width: auto; min-width: 100%; border-collapse: separate; border-spacing: 2px; font-size: 13px; }
        .heat th, .heat td { padding: 0; border: 0; } .heat thead th { padding: 0 4px 4px; vertical-align: bottom; white-space: normal;
          font-size: 11px; line-height: 1.25; min-width: 58px; max-width: 110px; overflow-wrap: normal; font-weight: 400; }
        .heat th[scope="row"] { position: sticky; left: 0; z-index: 1; padding: 0 10px 0 2px; color: var(--text); font-size: 13px; font-weight: 500;
          background: var(--ground); min-width: 130px; max-width: 260px; overflow-wrap: anywhere; white-space: normal; vertical-align: middle; }
        .heat td a { display: block; min-height: 26px; padding: 3px 6px; border-radius: 3px; text-align: center; text-decoration: none; white-space: nowrap;
          color: inherit; font-variant-numeric: tabular-nums; } .heat td a:hover { box-shadow: inset 0 0 0 1px currentColor; }
        .heat td, .key { border-radius: 3px; } .heat .none { background: var(--ground); box-shadow: inset 0 0 0 1px var(--grid); }
        .heat .equivalent, .key.equivalent { background: var(--success-ground); color: var(--success); }
        .heat .undecided, .key.undecided { background: var(--panel); color: var(--faint); box-shadow: inset 0 0 0 1px var(--line); }
        .heat .better, .key.better { background: var(--info-ground); color: var(--link); }
        .heat .worse, .key.worse { background: var(--critical-ground); color: var(--critical); font-weight: 600; }
        .heat .different, .key.different { background: var(--warning-ground); color: var(--warning); font-weight: 600; }
        .heat .worse.h2 { box-shadow: inset 0 0 0 2px var(--critical); } .heat .different.h2 { box-shadow: inset 0 0 0 2px var(--warning); }
        .heat .worse.h3 { background: var(--critical); color: var(--ground); } .heat .different.h3 { background: var(--warning); color: var(--ground); }
        .heat td.silenced { background: none; color: var(--faint); box-shadow: none; outline: 1px dashed var(--faint); outline-offset: -1px; font-weight: 400; } .heat-legend { margin: 10px 0 0; } .key { display: inline-block; min-width: 24px; text-align: center; }
        .strip-picture { display: block; width: 100%; height: 84px; border-radius: 4px; shape-rendering: crispEdges; }
        .strip-picture .equivalent { fill: var(--success-ground); } .strip-picture .worse { fill: var(--critical); }
        .strip-picture .different { fill: var(--warning); } .strip-picture .undecided { fill: var(--line); } .strip-picture .better { fill: var(--link); }
        meter { width: 90px; height: 10px; vertical-align: middle; } .finding h2 { margin: 0 0 6px; }
        .moment circle { fill: var(--raised); stroke: var(--info); stroke-width: 1.4; } .moment rect { fill: var(--info); fill-opacity: 0.35; }
        .moment text { font-size: 9.5px; fill: var(--info); } .moment.success circle { stroke: var(--success); } .moment.success text { fill: var(--success); }
        .moment.success rect { fill: var(--success); } .moment.warning circle { stroke: var(--warning); } .moment.warning text { fill: var(--warning); }
        .moment.warning rect { fill: var(--warning); } .moment.critical circle { fill: var(--critical); stroke: var(--critical); }
        .moment.critical text { fill: var(--ground); font-weight: 700; } .moment.critical rect { fill: var(--critical); }
        .picture a:hover circle { stroke-width: 3; } .picture a:hover .bar { opacity: 0.8; }
        .pager { display: flex; gap: 4px 16px; margin: 10px 0; font-size: 13px; color: var(--faint); align-items: center; }
        .foot p { margin: 0; max-width: none; } .age { white-space: nowrap; } td.number .pill { margin: 0 0 0 6px; }
        @media screen and (max-width: 760px) {
          html { scroll-padding-top: 8px; } main { padding: 14px 14px 32px; } .foot { padding: 12px 14px 24px; }
          .masthead { position: static; padding: 8px 14px 0; } .masthead nav { order: 3; width: 100%; gap: 0; padding-bottom: 6px; font-size: 13px; } .masthead nav a { padding: 5px 6px; }
          .tiles .tile { flex-basis: 40%; }
          .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
          .cards, .cards tbody { display: block; } .cards tr { display: grid; grid-template-columns: 1fr 1fr; gap: 6px 14px;
            padding: 10px 0 10px 10px; border-bottom: 1px solid var(--line); }
          .cards th, .cards td, .cards .number, .cards td.number { padding: 0; border: 0; text-align: left; white-space: normal; }
          .session { width: 100%; margin: 0; flex-wrap: wrap; justify-content: space-between; order: 2; }
          .cards tr > :first-child { grid-column: 1 / -1; padding: 0; }
          .cards .ahead td:nth-child(n + 3) { display: none; } .cards .ahead td::before { display: none; } .cards .ahead th { grid-column: 1; }
          .cards td::before { content: attr(data-label); display: block; color: var(--faint); font-size: 11px; }
          .cards tr.critical > th, .cards tr.warning > th { box-shadow: none; } .cards tr.critical { box-shadow: inset 3px 0 var(--critical); }
          .cards tr.warning { box-shadow: inset 3px 0 var(--warning); } .filter label { flex: 1 1 130px; } .filter input, .filter select { width: 100%; }
          form.decide button { flex: 1 1 0; }
        }
        @media print { .masthead, .skip, .filter, form.decide, .actions, .pager, .foot .age { display: none; } .cards thead { display: table-header-group; break-after: avoid; }
          .tiles .tile { flex-basis: 100px; } .tile .value { font-size: 13pt; }
          .cards .number { white-space: normal; padding-left: 4px; padding-right: 6px; } .heat { font-size: 8pt; } .scroll { overflow: visible; } }
        @media (prefers-reduced-motion: no-preference) { .fresh { animation: arrived 1.6s ease-out; } }
        @keyframes arrived { from { background: var(--info-ground); } }

        """
}
