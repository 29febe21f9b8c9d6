using System.IO;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What an optimizer remembers of one parameter.</summary>
public abstract class OptimizerState
{
    protected Parameter _parameter;

    protected OptimizerState(Parameter parameter)
    {
        _parameter = parameter;
    }

    public abstract void Initialize(OptimizerOptions options);

    public abstract void SaveStateDict(BinaryWriter writer);

    public abstract void LoadStateDict(BinaryReader reader);

    public abstract void LoadStateDict(OptimizerState source);

    public virtual bool ApproximatelyEquals(OptimizerState other) => false;

    public virtual void to(Device device)
    {
    }

    protected static void SaveConditionalStateTensor(BinaryWriter writer, Tensor tensor)
    {
        writer.Write(tensor is not null);
        tensor?.Save(writer);
    }

    protected static void LoadConditionalStateTensor(BinaryReader reader, ref Tensor result, Device device)
    {
        if (!reader.ReadBoolean())
        {
            result?.Dispose();
            result = null;
            return;
        }

        bool created = result is null;
        TensorExtensionMethods.Load(ref result, reader);
        if (created)
        {
            result = Move(result, device);
        }
    }

    /// <summary>A tensor of the parameter's shape and dtype that outlives every dispose scope.</summary>
    private protected Tensor ZerosLikeParameter() => zeros_like(_parameter).DetachFromDisposeScope();

    /// <summary>A copy on the parameter's device in place of <paramref name="old"/>.</summary>
    private protected Tensor Replace(Tensor old, Tensor source)
    {
        Tensor copy = source?.to(_parameter.device, copy: true).DetachFromDisposeScope();
        old?.Dispose();
        return copy;
    }

    private protected static Tensor Move(Tensor tensor, Device device) => tensor?.to(device, disposeAfter: true).DetachFromDisposeScope();

    private protected static bool Close(Tensor left, Tensor right) =>
        (left is null && right is null) || (left is not null && right is not null && left.allclose(right));
}
