// This module's first file; see ARCHITECTURE.md.
