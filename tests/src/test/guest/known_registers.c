// known_registers: fills the general registers with known numbers and spins until it is killed: 0x4c55434f5300nn00, nn being
// the register's place in the order RAX RBX RCX RDX RSI RDI RBP (RSP is left alone) R8 to R15.
#define NUMBER(place) "0x4c55434f5300" place "00"

int main(void) {
  __asm__ volatile("movabs $" NUMBER("00") ", %rax\n\t"
                   "movabs $" NUMBER("01") ", %rbx\n\t"
                   "movabs $" NUMBER("02") ", %rcx\n\t"
                   "movabs $" NUMBER("03") ", %rdx\n\t"
                   "movabs $" NUMBER("04") ", %rsi\n\t"
                   "movabs $" NUMBER("05") ", %rdi\n\t"
                   "movabs $" NUMBER("06") ", %rbp\n\t"
                   "movabs $" NUMBER("08") ", %r8\n\t"
                   "movabs $" NUMBER("09") ", %r9\n\t"
                   "movabs $" NUMBER("0a") ", %r10\n\t"
                   "movabs $" NUMBER("0b") ", %r11\n\t"
                   "movabs $" NUMBER("0c") ", %r12\n\t"
                   "movabs $" NUMBER("0d") ", %r13\n\t"
                   "movabs $" NUMBER("0e") ", %r14\n\t"
                   "movabs $" NUMBER("0f") ", %r15\n\t"
                   "spin: jmp spin");
  __builtin_unreachable();
}
