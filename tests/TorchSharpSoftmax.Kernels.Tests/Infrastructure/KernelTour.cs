using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>One operator's part of the tour: it runs every pass that the operator has, and is found by this interface.</summary>
internal unsafe interface IKernelTour
{
    /// <summary>Called for each element type, with an ordinary row, one with a NaN in front, one with a huge number there and one with a mask.</summary>
    /// <param name="memory">The buffers; the first element of x holds that number, all else is zero or what was left there.</param>
    /// <param name="count">Enough for a short row, for a long one, or for one that is written past the caches.</param>
    static abstract void Run<S>(TourMemory<S> memory, int count)
        where S : unmanaged;
}

/// <summary>The memory of a tour: x is the input, sums has room for two doubles per element.</summary>
internal readonly unsafe record struct TourMemory<S>(nint At, int Count)
    where S : unmanaged
{
    internal S* X => (S*)At;

    internal S* Y => X + Count;

    internal S* Dy => Y + Count;

    internal void* Sums => Dy + Count;

    internal static nuint Bytes(int count) => ((nuint)count * (nuint)sizeof(S) * 3) + ((nuint)count * 2 * sizeof(double));
}

/// <summary>The child process whose machine code is read: it runs every kernel, for each element type, at one width.</summary>
internal static unsafe class KernelTour
{
    /// <summary>A row that is walked together with others, and one that is walked alone but still fits the scratch memory.</summary>
    internal const int ShortBytes = 120, LongBytes = 20_011;

    /// <summary>Outputs of this size are written past the caches while <see cref="Streams"/> holds.</summary>
    internal const int StreamedBytes = StreamFrom + (1 << 16);

    private const int StreamFrom = 1 << 20;

    /// <summary>A sixteenth of the size from which on kernels write past the caches: what they do there is the same, and references cost seconds.</summary>
    internal static IDisposable Streams() => Cache.StreamFrom(StreamFrom);

    internal static int Run(int bits)
    {
        using IDisposable streams = Streams();
        using IDisposable width = Isa.Force(bits);
        MethodInfo run = typeof(KernelTour).GetMethod(nameof(Operator), BindingFlags.Static | BindingFlags.NonPublic)!;
        foreach (Type tour in typeof(KernelTour).Assembly.GetTypes().Where(type => type.IsValueType && type.IsAssignableTo(typeof(IKernelTour))))
        {
            run.MakeGenericMethod(tour).CreateDelegate<Action>()();
        }

        return ChildProcess.Done;
    }

    internal static int OnlyTheCall()
    {
        GC.KeepAlive(WithACall(1003));
        return ChildProcess.Done;
    }

    /// <summary>What the test looks for: a pass whose loop calls something.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static double WithACall(int n)
    {
        double sum = 0;
        for (int i = 0; i < n; i++)
        {
            sum += NotInlined(i);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double NotInlined(int i) => i * 0.5;

    private static void Operator<K>()
        where K : IKernelTour
    {
        foreach (int bytes in (int[])[ShortBytes, LongBytes, StreamedBytes])
        {
            Rows<K, float, FloatElement>(bytes);
            Rows<K, double, DoubleElement>(bytes);
            Rows<K, BFloat16, BFloat16Element>(bytes);
            Rows<K, Half, HalfElement>(bytes);
        }
    }

    private static void Rows<K, S, E>(int bytes)
        where K : IKernelTour
        where S : unmanaged
        where E : IElement<S>
    {
        int count = bytes / sizeof(S);
        void* at = NativeMemory.AllocZeroed(TourMemory<S>.Bytes(count));
        var memory = new TourMemory<S>((nint)at, count);

        // An ordinary row, one that has to be looked at for NaN, one far from zero, one with masks.
        foreach (double first in bytes < StreamedBytes ? (double[])[1, double.NaN, E.Stored.MaxFinite / 2, double.NegativeInfinity] : [1])
        {
            memory.X[0] = E.FromDouble(first);
            K.Run(memory, count);
        }

        NativeMemory.Free(at);
    }
}
