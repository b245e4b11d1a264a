#pragma once

#include <sqlite3.h>

// sqlite3_config has a variable number of arguments, which Swift cannot call.
static inline int ostler_sqlite3_count_no_memory(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
