using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules;

/// <summary>A gate's temperature with what a state dict has of it: the step of its schedule, or the logarithm that is learned.</summary>
internal sealed class DenseToSparseTemperature : nn.Module
{
    private readonly DenseToSparseSchedule _schedule;
    private Parameter? log;
    private Tensor? steps;

    internal DenseToSparseTemperature(DenseToSparseSchedule schedule, bool learnable, Device? device, ScalarType? dtype)
        : base(nameof(DenseToSparseTemperature))
    {
        _schedule = schedule;
        steps = tensor([0L], [], ScalarType.Int64, device).DetachFromDisposeScope();
        if (learnable)
        {
            log = (Parameter)new Parameter(tensor([Math.Log(schedule.start)], [], dtype ?? get_default_dtype(), device)).DetachFromDisposeScope();
        }

        RegisterComponents();
    }

    internal bool IsLearned => log is not null;

    internal long Step => Read<long>(steps!);

    internal double Now => log is null ? _schedule.At(Step) : Math.Exp(Read(log));

    /// <summary>The temperature for one forward pass, in float32 or better as all routing; what is learned belongs to the caller's scope.</summary>
    internal GateTemperature Current() => log is null ? new(_schedule.At(Step), null) : new(0, RoutingMath.Wide(log).exp());

    internal void Advance()
    {
        using var noGrad = no_grad();
        using var one = Scalars.Tensor(1L, ScalarType.Int64);
        Memory.Discard(steps!, steps!.add_(one, Scalars.One));
    }

    private static double Read(Tensor x) => ElementAccess.Values(x)[0];

    private static T Read<T>(Tensor x) where T : unmanaged
    {
        using var here = x.cpu();
        return here.item<T>();
    }
}
