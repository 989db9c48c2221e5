#include "textflag.h"

// func prefetch(x *float32, bytes int)
TEXT ·prefetch(SB), NOSPLIT, $0-16
	MOVQ x+0(FP), AX
	MOVQ bytes+8(FP), CX
	ADDQ AX, CX

line:
	PREFETCHT1 (AX)
	ADDQ $64, AX
	CMPQ AX, CX
	JB   line
	RET
