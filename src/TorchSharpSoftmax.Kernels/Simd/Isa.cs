using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The only place that asks the CPU: which vector width runs, for which element type, on how many threads.</summary>
internal static unsafe class Isa
{
    /// <summary>The environment variable that names the widest width wanted.</summary>
    internal const string Variable = "TORCHSHARPSOFTMAX_MAX_VECTOR_BITS";

    private const int Unasked = -1;

    /// <summary>Below so many elements a second thread costs more than it saves.</summary>
    private const long ElementsPerThread = 1 << 15;

    [ThreadStatic] private static int? _forced;

    /// <summary>An int is written whole, whichever threads ask first; of a nullable one another thread could see the half that says there is a value.</summary>
    private static int _chosen = Unasked;

    /// <summary>Every width that runs on this machine, widest first; 0 is one lane.</summary>
    internal static int[] AvailableBits { get; } =
    [
        .. Vector512.IsHardwareAccelerated && Avx512BW.VL.IsSupported ? new[] { 512 } : [],
        .. Vector256.IsHardwareAccelerated && Avx2.IsSupported ? new[] { 256 } : [],
        .. Vector128.IsHardwareAccelerated ? new[] { 128 } : [],
        0,
    ];

    /// <summary>The width that kernels called from this thread use.</summary>
    internal static int Bits => _forced ?? (_chosen != Unasked ? _chosen : _chosen = WidestUpTo(ParseBits(Environment.GetEnvironmentVariable(Variable))));

    /// <summary>Kernels called from this thread use this width until the result is disposed.</summary>
    internal static IDisposable Force(int bits)
    {
        if (Array.IndexOf(AvailableBits, bits) < 0)
            throw new ArgumentException($"'{nameof(bits)}' is {bits}; this machine has {string.Join(", ", AvailableBits)}.", nameof(bits));
        var previous = new Forced(_forced);
        _forced = bits;
        return previous;
    }

    internal static int ParseBits(string? value) => value switch
    {
        null or "" or "512" => 512,
        "256" => 256,
        "128" => 128,
        "0" => 0,
        _ => throw new InvalidOperationException($"The environment variable '{Variable}' is '{value}'; 512, 256, 128 or 0 (one lane) is required."),
    };

    /// <summary>Runs all rows, each of so many elements, at the best width.</summary>
    internal static void Run<S, K>(in K kernel, nint rows, nint elementsPerRow, int threads)
        where S : unmanaged
        where K : struct, IRowKernel
    {
        int useful = Useful(rows, elementsPerRow, threads);
        if (typeof(S) == typeof(float)) AtWidth<float, float, AsItself<float>, K>(kernel, rows, useful);
        else if (typeof(S) == typeof(double)) AtWidth<double, double, AsItself<double>, K>(kernel, rows, useful);
        else if (typeof(S) == typeof(BFloat16)) AtWidth<BFloat16, float, AsBFloat16, K>(kernel, rows, useful);
        else if (typeof(S) == typeof(Half)) AtWidth<Half, float, AsHalf, K>(kernel, rows, useful);
        else throw new NotSupportedException($"'{nameof(S)}' is {typeof(S)}; float, double, BFloat16 or Half is required.");
    }

    /// <summary>The same, with the arithmetic of floats in double.</summary>
    internal static void RunWide<S, K>(in K kernel, nint rows, nint elementsPerRow, int threads)
        where S : unmanaged
        where K : struct, IRowKernel
    {
        if (typeof(S) == typeof(float)) AtWidth<float, double, AsSingle, K>(kernel, rows, Useful(rows, elementsPerRow, threads));
        else Run<S, K>(kernel, rows, elementsPerRow, threads);
    }

    private static int Useful(nint rows, nint elementsPerRow, int threads)
    {
        long elements = (long)Math.Min((double)rows * elementsPerRow, long.MaxValue / 2);
        return (int)Math.Clamp(Math.Min(elements / ElementsPerThread, rows), 1, Math.Max(1, threads));
    }

    private static void AtWidth<S, T, M, K>(in K kernel, nint rows, int threads)
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
        where K : struct, IRowKernel
    {
        _ = ExtExp.Constants<T>.At; // before the passes are compiled, so that they need not ask
        _ = Logarithm.Constants<T>.At;
        switch (Bits)
        {
            case 512: Workers.Run<AtLanes<Lanes512<T>, S, T, M, K>>(new(kernel), rows, threads); break;
            case 256: Workers.Run<AtLanes<Lanes256<T>, S, T, M, K>>(new(kernel), rows, threads); break;
            case 128: Workers.Run<AtLanes<Lanes128<T>, S, T, M, K>>(new(kernel), rows, threads); break;
            default: Workers.Run<AtLanes<Lane1<T>, S, T, M, K>>(new(kernel), rows, threads); break;
        }
    }

    private static int WidestUpTo(int bits) => AvailableBits.First(available => available <= bits);

    /// <summary>A kernel with its width and element type chosen.</summary>
    private readonly struct AtLanes<V, S, T, M, K>(K kernel) : IWork
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
        where K : struct, IRowKernel
    {
        public void Do(nint first, nint end) => kernel.Rows<V, S, T, M>(first, end);
    }

    private sealed class Forced(int? previous) : IDisposable
    {
        public void Dispose() => _forced = previous;
    }
}
