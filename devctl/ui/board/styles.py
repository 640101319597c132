"""The layout: 80 columns and 24 lines are enough; additional space goes to the logs and the chart."""

from __future__ import annotations

CSS = """
Screen { layout: vertical; }
#status { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
#services, #timeline, #go-mod, #preview, #logs {
    border: round $foreground 25%; border-title-color: $text; border-title-style: bold; background: $background;
    border-subtitle-color: $foreground 60%; padding: 0 1; scrollbar-size: 1 1;
}
#services:focus, #logs:focus { border: round $primary; }
#services > .option-list--option-highlighted { background: $foreground 15%; color: $foreground; text-style: none; }
#services { height: auto; max-height: 6; text-wrap: nowrap; text-overflow: ellipsis; }
#middle { height: 9; }
#timeline { width: 3fr; height: 100%; }
#side { width: 2fr; height: 100%; }
#go-mod { height: 4; text-wrap: nowrap; text-overflow: ellipsis; }
#preview { height: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
#logs { height: 1fr; min-height: 4; padding: 0; }
#search { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
.logs--good { color: $text-success; }
.logs--bad { color: $text-error; }
.logs--found { background: $warning; color: $background; text-style: bold; }
.logs--name-0 { color: $text-primary; }
.logs--name-1 { color: $text-secondary; }
.logs--name-2 { color: $text-accent; }
.logs--name-3 { color: $text-warning; }
Screen.-tall #middle { height: 13; }
Screen.-tall #services { max-height: 10; }
Screen.-tall #go-mod { height: 6; }
Screen.-low #middle { display: none; }
"""
