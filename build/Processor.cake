// The widths of this machine's vectors, as the kernels' Isa.cs finds them: what the tests and the benchmarks run at.

using System.Runtime.Intrinsics.X86;

static class Processor
{
    public static readonly bool HasAvx512 = Avx512BW.VL.IsSupported;
    public static readonly int BestBits = HasAvx512 ? 512 : Avx2.IsSupported ? 256 : 128;
}
