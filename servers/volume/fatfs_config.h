// What oofatfs (a fork of FatFs R0.13c) is compiled with; its own documentation explains each.
// SPDX-License-Identifier: BSD-2-Clause
#define FFCONF_DEF 86604

#define FF_FS_READONLY 0
#define FF_FS_MINIMIZE 0
#define FF_FS_TINY 1 // One sector in memory a volume: the cache below has the others.
#define FF_FS_EXFAT 0
#define FF_FS_RPATH 0
#define FF_FS_NORTC 0
#define FF_FS_NOFSINFO 1 // Free clusters are counted, not believed.
#define FF_FS_LOCK 20    // Objects, and the directory that is being listed.
#define FF_FS_REENTRANT 0

#define FF_USE_STRFUNC 0
#define FF_USE_FIND 0
#define FF_USE_MKFS 1
#define FF_USE_FASTSEEK 1 // With maps of bounded size (fat.hpp).
#define FF_USE_EXPAND 0
#define FF_USE_CHMOD 0
#define FF_USE_LABEL 0
#define FF_USE_FORWARD 0
#define FF_USE_TRIM 0

#define FF_CODE_PAGE 437
#define FF_USE_LFN 1
#define FF_MAX_LFN 255
#define FF_LFN_UNICODE 2 // UTF-8.
#define FF_LFN_BUF 255
#define FF_SFN_BUF 12
#define FF_SFN_NEEDED                                                                              \
    64 // A long name from here on has its short one with it: our patch (file::kNameMax).
#define FF_STRF_ENCODE 3

#define FF_VOLUMES 1
#define FF_STR_VOLUME_ID 0
#define FF_MULTI_PARTITION 0
#define FF_MIN_SS 512
#define FF_MAX_SS 4096
