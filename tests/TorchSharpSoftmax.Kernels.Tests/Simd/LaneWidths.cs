using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>A piece of test code that runs on lanes of any width.</summary>
internal interface ILaneTest<T>
    where T : unmanaged
{
    void Run<V>()
        where V : unmanaged, ILanes<V, T>;
}

/// <summary>Runs it at every width that this process has.</summary>
internal static class LaneWidths
{
    internal static void Run<T>(ILaneTest<T> code, [CallerMemberName] string test = "", [CallerFilePath] string file = "")
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        foreach (int bits in Widths.Each(test, file))
        {
            switch (bits)
            {
                case 512:
                    code.Run<Lanes512<T>>();
                    break;
                case 256:
                    code.Run<Lanes256<T>>();
                    break;
                case 128:
                    code.Run<Lanes128<T>>();
                    break;
                default:
                    code.Run<Lane1<T>>();
                    break;
            }
        }
    }

    /// <summary>Applies an operation of one vector to a whole array, which may be of any length.</summary>
    internal static unsafe T[] Map<V, T>(T[] x, Func<V, V> f)
        where V : unmanaged, ILanes<V, T>
        where T : unmanaged
    {
        var y = new T[x.Length];
        fixed (T* from = x, to = y)
        {
            for (nint i = 0; i < x.Length; i += V.Count)
            {
                nint n = Math.Min(V.Count, x.Length - i);
                V.StorePart(f(V.LoadPart(from + i, n, x[0])), to + i, n);
            }
        }

        return y;
    }
}
