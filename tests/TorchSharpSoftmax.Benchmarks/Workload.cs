using BenchmarkDotNet.Attributes;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>Benchmarks on tensors that are made once for a case and shared by the variants that run on it.</summary>
public abstract class Workload
{
    private static (Type, ICase)? s_kept;
    private static IDisposable[] s_made = [];

    protected static int Threads => get_num_threads();

    internal abstract ICase Case { get; }

    [GlobalSetup]
    public void Setup()
    {
        if (s_kept != (GetType(), Case))
        {
            Drop();
            manual_seed(1);
            using var scope = NewDisposeScope();
            s_made = [.. Make().Select(made => made is Tensor t ? t.DetachFromDisposeScope() : made)];
            s_kept = (GetType(), Case);
        }
    }

    internal static void Drop()
    {
        Array.ForEach(s_made, made => made.Dispose());
        s_made = [];
        s_kept = null;
    }

    /// <summary>Makes what the variants share, and returns all of it that is to be disposed afterwards.</summary>
    protected abstract IEnumerable<IDisposable> Make();

    /// <summary>Normal numbers; beyond 4 Mi of them they begin again, since drawing all would take longer than the measurements.</summary>
    protected internal static Tensor Normal(long[] sizes, float deviation, ScalarType dtype = ScalarType.Float32)
    {
        long elements = sizes.Aggregate((a, b) => a * b);
        long drawn = Math.Min(elements, 1 << 22);
        Tensor block = (randn(drawn) * deviation).to(dtype);
        return block.repeat((elements + drawn - 1) / drawn).narrow(0, 0, elements).view(sizes).contiguous();
    }
}
